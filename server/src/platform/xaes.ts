import { createCipheriv, createDecipheriv } from 'node:crypto';

/**
 * XAES-256-GCM (https://c2sp.org/XAES-256-GCM): AES-256-GCM with a derived key for each message, selected by the first half
 * of a 24-byte nonce. Random nonces are safe for 2^80 messages under one key; plain AES-256-GCM allows 2^32 (NIST SP
 * 800-38D, section 8.3).
 */
export interface XaesKey {
  readonly key: Buffer;
  /** The mask K1, which depends on the key only. */
  readonly mask: Buffer;
}

export const xaesNonceBytes = 24;
export const xaesTagBytes = 16;

const blockBytes = 16;
const halfNonceBytes = 12;

/** @param key 32 bytes */
export function xaesKey(key: Buffer): XaesKey {
  const block = encryptBlocks(key, Buffer.alloc(blockBytes));
  const mask = Buffer.alloc(blockBytes);
  let carry = 0;
  for (let index = blockBytes - 1; index >= 0; index -= 1) {
    const byte = block[index] ?? 0;
    mask[index] = ((byte << 1) | carry) & 0xff;
    carry = byte >> 7;
  }
  if (carry === 1) mask[blockBytes - 1] = (mask[blockBytes - 1] ?? 0) ^ 0x87;
  return { key, mask };
}

/** @param nonce 24 bytes, never used before with this key. @returns ciphertext and tag */
export function xaesSeal(key: XaesKey, nonce: Buffer, content: Uint8Array, aad: Uint8Array): Buffer {
  const cipher = createCipheriv('aes-256-gcm', messageKey(key, nonce), nonce.subarray(halfNonceBytes));
  cipher.setAAD(aad);
  return Buffer.concat([cipher.update(content), cipher.final(), cipher.getAuthTag()]);
}

/** @throws Error if ciphertext, nonce and additional data do not belong to one message under this key */
export function xaesOpen(key: XaesKey, nonce: Buffer, body: Buffer, aad: Uint8Array): Buffer {
  const end = body.length - xaesTagBytes;
  if (end < 0) throw new Error('A sealed value is too short');
  const decipher = createDecipheriv('aes-256-gcm', messageKey(key, nonce), nonce.subarray(halfNonceBytes), {
    authTagLength: xaesTagBytes,
  });
  decipher.setAAD(aad).setAuthTag(body.subarray(end));
  return Buffer.concat([decipher.update(body.subarray(0, end)), decipher.final()]);
}

/** The two blocks `0x0001 X 0x00 || N` and `0x0002 X 0x00 || N` of CMAC in the counter mode of NIST SP 800-108. */
function messageKey({ key, mask }: XaesKey, nonce: Buffer): Buffer {
  const blocks = Buffer.alloc(2 * blockBytes);
  for (const counter of [1, 2]) {
    const start = (counter - 1) * blockBytes;
    blocks[start + 1] = counter;
    blocks[start + 2] = 0x58;
    nonce.copy(blocks, start + 4, 0, halfNonceBytes);
  }
  for (let index = 0; index < blocks.length; index += 1) {
    blocks[index] = (blocks[index] ?? 0) ^ (mask[index % blockBytes] ?? 0);
  }
  return encryptBlocks(key, blocks);
}

function encryptBlocks(key: Buffer, blocks: Buffer): Buffer {
  return createCipheriv('aes-256-ecb', key, null).setAutoPadding(false).update(blocks);
}
