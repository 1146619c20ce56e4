import { sha256 } from '@noble/hashes/sha2.js';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { base58, createBase58check, hex } from '@scure/base';
import { type Chain, chainFamily } from './registry.ts';

/** An address in its canonical form, or a message for the client that states the rule. */
export type CheckedAddress =
  | { readonly ok: true; readonly address: string }
  | { readonly ok: false; readonly fault: string };

const accountBytes = 20;
const tronPrefix = 0x41;
/** The base58 form of 25 bytes that start with 0x41 always has this length. */
const tronLength = 34;
const solanaBytes = 32;
const solanaMinLength = 32;
const solanaMaxLength = 44;

const base58check = createBase58check(sha256);

/**
 * Validates a destination address, including its checksum if the chain has one. Rejects zero addresses, which nobody owns. Input of any
 * length is safe: the length is checked before anything is decoded.
 *
 * @returns the address in canonical form (EIP-55 on EVM chains), or the fault, which never contains the input
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
 * Encodes an EVM address in its checksummed form (EIP-55, Specification).
 *
 * @param bytes 20 bytes
 * @throws RangeError if there are not 20
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
 * Encodes a Tron address: base58check of 0x41 and the account, which derives from the public key as on EVM chains.
 *
 * @param bytes 20 bytes
 * @throws RangeError if there are not 20
 */
export function toTronAddress(bytes: Uint8Array): string {
  expectLength(bytes, accountBytes);
  return base58check.encode(Uint8Array.of(tronPrefix, ...bytes));
}

/**
 * Encodes a Solana address: base58 of the ed25519 public key.
 *
 * @param bytes 32 bytes
 * @throws RangeError if there are not 32
 */
export function toSolanaAddress(bytes: Uint8Array): string {
  expectLength(bytes, solanaBytes);
  return base58.encode(bytes);
}

function checkEvm(chain: Chain, text: string): CheckedAddress {
  const digits = /^0x([0-9a-fA-F]{40})$/.exec(text)?.[1];
  if (digits === undefined)
    return fault(`An address on ${chain} must be 0x followed by 40 hexadecimal digits.`);
  const bytes = hex.decode(digits.toLowerCase());
  if (isZero(bytes)) return zeroFault(chain);
  const address = toChecksumAddress(bytes);
  // Only an address in mixed case has a checksum.
  const mixed = digits !== digits.toLowerCase() && digits !== digits.toUpperCase();
  if (mixed && text !== address) {
    return fault('The address must have a valid EIP-55 checksum. Copy it again from its wallet.');
  }
  return { ok: true, address };
}

function checkTron(text: string): CheckedAddress {
  const shape = 'An address on tron must have 34 base58 characters and start with T.';
  if (text.length !== tronLength || !text.startsWith('T')) return fault(shape);
  const bytes = decoded(base58, text);
  if (bytes === undefined) return fault(shape);
  const payload = decoded(base58check, text);
  if (payload === undefined) {
    return fault('The address must have a valid checksum. Copy it again from its wallet.');
  }
  if (payload.length !== accountBytes + 1 || payload[0] !== tronPrefix) return fault(shape);
  return isZero(payload.subarray(1)) ? zeroFault('tron') : { ok: true, address: text };
}

function checkSolana(text: string): CheckedAddress {
  const shape = 'An address on solana must be the base58 form of 32 bytes, 32 to 44 characters long.';
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
  return fault(`The address must not be the zero address of ${chain}, which nobody owns.`);
}

function fault(text: string): CheckedAddress {
  return { ok: false, fault: text };
}

function expectLength(bytes: Uint8Array, length: number): void {
  if (bytes.length !== length) throw new RangeError(`An address of this chain must have ${length} bytes`);
}
