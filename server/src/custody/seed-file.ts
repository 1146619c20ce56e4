import { createCipheriv, createDecipheriv, randomBytes, scryptSync } from 'node:crypto';
import { ConfigError } from '../platform/config.ts';
import { createDeriver } from './derivation.ts';
import { checkedMnemonic, seedFromWords } from './seed.ts';

/** A seed encrypted with a passphrase: a backup, or the seed of a separate signer. */
interface SeedFile {
  readonly format: 'openledger-seed';
  readonly version: 1;
  /** The treasury's address on EVM chains, which identifies the seed. */
  readonly treasury: string;
  readonly scrypt: { readonly n: number; readonly r: number; readonly p: number; readonly salt: string };
  readonly nonce: string;
  readonly sealed: string;
}

/** scrypt parameters (RFC 7914 §2): 128 MiB and about 0.5 s per guess. */
const cost = { n: 2 ** 17, r: 8, p: 1 } as const;
const tagBytes = 16;
const shortestPassphrase = 12;

/**
 * Encrypts a mnemonic with scrypt (RFC 7914) and AES-256-GCM. The treasury's address is authenticated but not encrypted.
 *
 * @throws ConfigError if the passphrase is too short
 */
export function writeSeedFile(mnemonic: string, passphrase: string): string {
  if (passphrase.length < shortestPassphrase) {
    throw new ConfigError(`The passphrase must have at least ${shortestPassphrase} characters.`);
  }
  const words = checkedMnemonic(mnemonic);
  const treasury = treasuryOf(Buffer.from(words));
  const [salt, nonce] = [randomBytes(32), randomBytes(12)];
  const key = keyOf(passphrase, { ...cost, salt: salt.toString('hex') });
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(treasury));
  const sealed = Buffer.concat([cipher.update(words, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  key.fill(0);
  const file: SeedFile = {
    format: 'openledger-seed',
    version: 1,
    treasury,
    scrypt: { ...cost, salt: salt.toString('hex') },
    nonce: nonce.toString('hex'),
    sealed: sealed.toString('hex'),
  };
  return `${JSON.stringify(file, null, 2)}\n`;
}

/**
 * Decrypts the output of `writeSeedFile`.
 *
 * @returns the words, which the caller wipes
 * @throws ConfigError if the text is not a seed file, was modified, or has another passphrase
 */
export function openSeedFile(text: string, passphrase: string): Buffer {
  const file = parse(text);
  const sealed = Buffer.from(file.sealed, 'hex');
  const key = keyOf(passphrase, file.scrypt);
  try {
    const nonce = Buffer.from(file.nonce, 'hex');
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes })
      .setAAD(Buffer.from(file.treasury))
      .setAuthTag(sealed.subarray(sealed.length - tagBytes));
    const words = decipher.update(sealed.subarray(0, sealed.length - tagBytes));
    return Buffer.concat([words, decipher.final()]);
  } catch {
    throw new ConfigError('The passphrase must be that of the seed file, and the file must be unmodified.');
  } finally {
    key.fill(0);
  }
}

/** Derives the treasury's address on EVM chains from a mnemonic. @param words wiped */
export function treasuryOf(words: Buffer): string {
  const seed = seedFromWords(words);
  const treasury = createDeriver(seed).address('evm', 'treasury');
  seed.fill(0);
  return treasury;
}

function keyOf(passphrase: string, { n, p, r, salt }: SeedFile['scrypt']): Buffer {
  const options = { N: n, r, p, maxmem: 256 * r * n };
  return scryptSync(passphrase.normalize('NFKC'), Buffer.from(salt, 'hex'), 32, options);
}

function parse(text: string): SeedFile {
  let file: SeedFile | undefined;
  try {
    file = JSON.parse(text) as SeedFile;
  } catch {
    // Reported below.
  }
  const isRight =
    file?.format === 'openledger-seed' &&
    file.version === 1 &&
    [file.sealed, file.nonce, file.scrypt?.salt].every((hex) => /^([0-9a-f]{2}){12,512}$/.test(hex)) &&
    typeof file.treasury === 'string' &&
    // A modified file must not raise the cost of the key derivation.
    file.scrypt.n === cost.n &&
    file.scrypt.r === cost.r &&
    file.scrypt.p === cost.p;
  if (!isRight || !file) throw new ConfigError('The file must be a seed file of OpenLedger.');
  return file;
}
