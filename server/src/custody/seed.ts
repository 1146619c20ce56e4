import { randomBytes } from 'node:crypto';
import { entropyToMnemonic, mnemonicToSeedSync, validateMnemonic } from '@scure/bip39';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import type { Vault } from '../platform/seal.ts';

const entropyBytes = 32;
const sealContext = 'custody.seed';

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
 * Encrypts a mnemonic for storage.
 *
 * @throws Error when it is no valid mnemonic, so that nothing is stored that could not be used later
 */
export function sealSeed(vault: Vault, mnemonic: string): string {
  return vault.seal(checked(mnemonic), sealContext);
}

/**
 * Decrypts what `sealSeed` made.
 *
 * @throws Error when it was changed, or sealed under another master key or for another purpose
 */
export function openSeed(vault: Vault, sealed: string): string {
  return vault.open(sealed, sealContext);
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
