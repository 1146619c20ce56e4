import { sha256 } from '@noble/hashes/sha2.js';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { base58, createBase58check, hex } from '@scure/base';
import { type Chain, chainFamily } from './registry.ts';

/** An address in the one form it is stored and compared in, or a sentence for the client: what would fit. */
export type CheckedAddress =
  | { readonly ok: true; readonly address: string }
  | { readonly ok: false; readonly fault: string };

const accountBytes = 20;
const tronPrefix = 0x41;
/** 25 bytes that start with 0x41 are never longer or shorter in base 58. */
const tronLength = 34;
const solanaBytes = 32;
const solanaMinLength = 32;
const solanaMaxLength = 44;

const base58check = createBase58check(sha256);

/**
 * Checks an address that money is to be sent to, down to its checksum where the chain has one. Zero addresses
 * are refused: what arrives there is lost. Input of any length is fine: the length is checked before anything
 * is decoded.
 *
 * @returns the address as the chain's own tools write it (EIP-55 for EVM chains), or the fault, which never
 *   repeats the input
 */
export function checkAddress(chain: Chain, text: string): CheckedAddress {
  switch (chainFamily(chain)) {
    case 'evm':
      return checkEvm(chain, text);
    case 'tron':
      return checkTron(text);
    case 'solana':
      return checkSolana(text);
  }
}

/**
 * Writes an EVM address in its checksummed form (EIP-55, Specification).
 *
 * @param bytes 20 bytes
 * @throws RangeError when they are not 20
 */
export function toChecksumAddress(bytes: Uint8Array): string {
  expectLength(bytes, accountBytes);
  const lower = hex.encode(bytes);
  // EIP-55 hashes the lower-case hexadecimal text, not the bytes.
  const digest = hex.encode(keccak_256(Buffer.from(lower, 'ascii')));
  let address = '0x';
  for (let index = 0; index < lower.length; index += 1) {
    const digit = lower.charAt(index);
    address += Number.parseInt(digest.charAt(index), 16) >= 8 ? digit.toUpperCase() : digit;
  }
  return address;
}

/**
 * Writes a Tron address: base58check of 0x41 and the account, which is made from the public key as on EVM
 * chains.
 *
 * @param bytes 20 bytes
 * @throws RangeError when they are not 20
 */
export function toTronAddress(bytes: Uint8Array): string {
  expectLength(bytes, accountBytes);
  return base58check.encode(Uint8Array.of(tronPrefix, ...bytes));
}

/**
 * Writes a Solana address: base 58 of the ed25519 public key.
 *
 * @param bytes 32 bytes
 * @throws RangeError when they are not 32
 */
export function toSolanaAddress(bytes: Uint8Array): string {
  expectLength(bytes, solanaBytes);
  return base58.encode(bytes);
}

function checkEvm(chain: Chain, text: string): CheckedAddress {
  const digits = /^0x([0-9a-fA-F]{40})$/.exec(text)?.[1];
  if (digits === undefined) return fault(`An address on ${chain} is 0x followed by 40 hexadecimal digits.`);
  const bytes = hex.decode(digits.toLowerCase());
  if (isZero(bytes)) return zeroFault(chain);
  const address = toChecksumAddress(bytes);
  // Without mixed case there is no checksum to check.
  const mixed = digits !== digits.toLowerCase() && digits !== digits.toUpperCase();
  if (mixed && text !== address) {
    return fault('The address fails its EIP-55 checksum: copy it again, letter for letter, from its wallet.');
  }
  return { ok: true, address };
}

function checkTron(text: string): CheckedAddress {
  const shape = 'An address on tron is 34 base58 characters that start with T.';
  if (text.length !== tronLength || !text.startsWith('T')) return fault(shape);
  const bytes = decoded(base58, text);
  if (bytes === undefined) return fault(shape);
  const payload = decoded(base58check, text);
  if (payload === undefined) {
    return fault('The address fails its checksum: copy it again, letter for letter, from its wallet.');
  }
  if (payload.length !== accountBytes + 1 || payload[0] !== tronPrefix) return fault(shape);
  return isZero(payload.subarray(1)) ? zeroFault('tron') : { ok: true, address: text };
}

function checkSolana(text: string): CheckedAddress {
  const shape = 'An address on solana is the base58 form of 32 bytes, 32 to 44 characters long.';
  if (text.length < solanaMinLength || text.length > solanaMaxLength) return fault(shape);
  const bytes = decoded(base58, text);
  if (bytes?.length !== solanaBytes) return fault(shape);
  return isZero(bytes) ? zeroFault('solana') : { ok: true, address: text };
}

function decoded(coder: { decode(text: string): Uint8Array }, text: string): Uint8Array | undefined {
  try {
    return coder.decode(text);
  } catch {
    return undefined;
  }
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

function zeroFault(chain: Chain): CheckedAddress {
  return fault(`Nobody owns the zero address on ${chain}: give the address of a wallet.`);
}

function fault(text: string): CheckedAddress {
  return { ok: false, fault: text };
}

function expectLength(bytes: Uint8Array, length: number): void {
  if (bytes.length !== length) throw new RangeError(`An address of this chain is made from ${length} bytes`);
}
