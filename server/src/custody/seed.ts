import { pbkdf2Sync, randomBytes } from 'node:crypto';
import { entropyToMnemonic, mnemonicToSeedSync, validateMnemonic } from '@scure/bip39';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import type { Vault } from '../platform/seal.ts';

const entropyBytes = 32;
const sealContext = 'custody.seed';
const absent = 'kept by a signer apart: ';

/**
 * A new secret that all keys derive from: 256 random bits as 24 English words (BIP-39, Generating the
 * mnemonic).
 */
export function createSeed(): string {
  return entropyToMnemonic(randomBytes(entropyBytes), wordlist);
}

/**
 * Turns a mnemonic into the seed that keys derive from (BIP-39, From mnemonic to seed; no passphrase).
 *
 * @param mnemonic 12 to 24 English words; white space around and between them does not matter
 * @returns 64 bytes
 * @throws Error when a word or the checksum is wrong; its text never holds a word
 */
export function seedFromMnemonic(mnemonic: string): Uint8Array {
  return mnemonicToSeedSync(checked(mnemonic));
}

/**
 * The same for words that were checked before they were sealed, without making a text of them, which nobody could wipe.
 *
 * @param words their bytes, with single spaces; wiped
 */
export function seedFromWords(words: Buffer): Uint8Array {
  // BIP-39, From mnemonic to seed; the words of the English list are plain ASCII, so there is nothing to normalise.
  const seed = pbkdf2Sync(words, 'mnemonic', 2048, 64, 'sha512');
  words.fill(0);
  return seed;
}

/** The words as they are sealed: with single spaces. @throws Error when they are no mnemonic; it never holds a word */
export function checkedMnemonic(mnemonic: string): string {
  return checked(mnemonic);
}

/**
 * Encrypts a mnemonic for storage.
 *
 * @throws Error when it is no valid mnemonic, so that nothing is stored that could not be used later
 */
export function sealSeed(vault: Vault, mnemonic: string): string {
  return vault.seal(checked(mnemonic), sealContext);
}

/**
 * What stands in the seed's place when it is kept by a signer apart: the treasury's address on EVM chains, which tells
 * whether it is the right signer.
 */
export function sealAbsence(vault: Vault, treasury: string): string {
  return vault.seal(absent + treasury, sealContext);
}

/** A seed that is here, as words that the caller wipes, or the treasury of the one that is kept apart. */
export type StoredSeed = { readonly words: Buffer } | { readonly treasury: string };

/**
 * Decrypts what `sealSeed` or `sealAbsence` made.
 *
 * @throws Error when it was changed, or sealed under another master key or for another purpose
 */
export function openSeed(vault: Vault, sealed: string): StoredSeed {
  const words = vault.openBytes(sealed, sealContext);
  const start = words.subarray(0, absent.length).toString();
  return start === absent ? { treasury: words.subarray(absent.length).toString() } : { words };
}

function checked(mnemonic: string): string {
  const words = mnemonic.trim().split(/\s+/).join(' ');
  // The library's own errors quote the word at fault; this one must not.
  if (!validateMnemonic(words, wordlist)) {
    throw new Error(
      'Not a valid BIP-39 mnemonic: expected 12, 15, 18, 21 or 24 English words with a right checksum',
    );
  }
  return words;
}
