import { ed25519 } from '@noble/curves/ed25519.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha512 } from '@noble/hashes/sha2.js';

/** A private node of the ed25519 tree: key and chain code, 32 bytes each. */
export interface Slip10Node {
  readonly key: Uint8Array;
  readonly chainCode: Uint8Array;
}

const hardenedOffset = 0x8000_0000;
const curve = new TextEncoder().encode('ed25519 seed');

/**
 * Derives the root of the tree (SLIP-0010, Master key generation). Every 256-bit number is a valid ed25519 key, so no retry is needed.
 *
 * @param seed 16 to 64 bytes
 * @throws RangeError if the seed is shorter or longer
 */
export function slip10Master(seed: Uint8Array): Slip10Node {
  if (seed.length < 16 || seed.length > 64) throw new RangeError('A SLIP-0010 seed must have 16 to 64 bytes');
  return split(hmac(sha512, curve, seed));
}

/**
 * Derives a hardened child (SLIP-0010, Private parent key → private child key). ed25519 has no other children.
 *
 * @param index 0 to 2^31 − 1, as written before the apostrophe in a path
 * @throws RangeError if the index is invalid
 */
export function slip10Child(parent: Slip10Node, index: number): Slip10Node {
  if (!Number.isInteger(index) || index < 0 || index >= hardenedOffset) {
    throw new RangeError('A SLIP-0010 index must be an integer from 0 to 2147483647');
  }
  // Data = 0x00 || ser256(k) || ser32(i), where i has the hardened bit.
  const data = new Uint8Array(37);
  data.set(parent.key, 1);
  new DataView(data.buffer).setUint32(33, hardenedOffset + index);
  return split(hmac(sha512, parent.chainCode, data));
}

/** The public key of a node, 32 bytes (RFC 8032 §5.1.5), without the 0x00 that SLIP-0010 prints before it. */
export function slip10PublicKey(node: Slip10Node): Uint8Array {
  return ed25519.getPublicKey(node.key);
}

function split(digest: Uint8Array): Slip10Node {
  return { key: digest.subarray(0, 32), chainCode: digest.subarray(32) };
}
