import { pbkdf2Sync, randomBytes } from 'node:crypto';
import { entropyToMnemonic, mnemonicToSeedSync, validateMnemonic } from '@scure/bip39';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import type { Vault } from '../platform/seal.ts';

const entropyBytes = 32;
const sealContext = 'custody.seed';
const absent = 'kept by a signer apart: ';

/** Creates the secret that all keys derive from: 256 random bits as 24 English words (BIP-39, Generating the mnemonic). */
export function createSeed(): string {
  return entropyToMnemonic(randomBytes(entropyBytes), wordlist);
}

/**
 * Converts a mnemonic to the seed that keys derive from (BIP-39, From mnemonic to seed; no passphrase).
 *
 * @param mnemonic 12 to 24 English words, separated by any white space
 * @returns 64 bytes
 * @throws Error if a word or the checksum is invalid; the message never contains a word
 */
export function seedFromMnemonic(mnemonic: string): Uint8Array {
  return mnemonicToSeedSync(checked(mnemonic));
}

/**
 * Converts words that were validated before they were sealed. Creates no string, which could not be wiped.
 *
 * @param words the bytes of the words, with single spaces; wiped
 */
export function seedFromWords(words: Buffer): Uint8Array {
  // BIP-39, From mnemonic to seed. The English words are ASCII and need no normalization.
  const seed = pbkdf2Sync(words, 'mnemonic', 2048, 64, 'sha512');
  words.fill(0);
  return seed;
}

/** Validates a mnemonic and returns it with single spaces. @throws Error if it is invalid; the message never contains a word */
export function checkedMnemonic(mnemonic: string): string {
  return checked(mnemonic);
}

/**
 * Encrypts a mnemonic for storage.
 *
 * @throws Error if it is invalid, so that only usable seeds are stored
 */
export function sealSeed(vault: Vault, mnemonic: string): string {
  return vault.seal(checked(mnemonic), sealContext);
}

/** Encrypts the reference to a separate signer: the treasury's address on EVM chains, which identifies its seed. */
export function sealAbsence(vault: Vault, treasury: string): string {
  return vault.seal(absent + treasury, sealContext);
}

/** A stored seed, as words that the caller wipes, or the treasury of the separate signer that keeps the seed. */
export type StoredSeed = { readonly words: Buffer } | { readonly treasury: string };

/**
 * Decrypts the output of `sealSeed` or `sealAbsence`.
 *
 * @throws Error if it was modified, or sealed under another master key or for another purpose
 */
export function openSeed(vault: Vault, sealed: string): StoredSeed {
  const words = vault.openBytes(sealed, sealContext);
  const start = words.subarray(0, absent.length).toString();
  return start === absent ? { treasury: words.subarray(absent.length).toString() } : { words };
}

function checked(mnemonic: string): string {
  const words = mnemonic.trim().split(/\s+/).join(' ');
  // The library's own errors quote the invalid word; this one must not.
  if (!validateMnemonic(words, wordlist)) {
    throw new Error(
      'The mnemonic must have 12, 15, 18, 21 or 24 English words with a valid checksum (BIP-39)',
    );
  }
  return words;
}
