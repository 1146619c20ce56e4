import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError, type MasterKeySettings } from './platform/config.ts';
import { createKeyring, type Keyring } from './platform/keyring.ts';
import { newMasterKey, parseMasterKeys } from './platform/seal.ts';

/** The key files of the data directory. Only their owner can read them. */

/**
 * Opens the master keys: those of the settings with OPENLEDGER_PREVIOUS_MASTER_KEYS, or else those of the key file in the
 * data directory, which is created if it is missing.
 *
 * @throws ConfigError if the file contains no key
 */
export async function openKeyring(dataDir: string, settings: MasterKeySettings): Promise<Keyring> {
  const isSet = settings.masterKey !== undefined || settings.masterKeyFile !== undefined;
  const path = masterKeyPath(dataDir, settings);
  if (!isSet && (await readIfThere(path)) === undefined) await writeNewKeyFile(path, newMasterKey());
  return readKeyring(dataDir, settings);
}

/**
 * Opens the master keys without creating any.
 *
 * @throws ConfigError if there is neither a setting nor a key file
 */
export async function readKeyring(dataDir: string, settings: MasterKeySettings): Promise<Keyring> {
  if (settings.masterKey) return createKeyring([settings.masterKey, ...previousKeys()]);
  const path = masterKeyPath(dataDir, settings);
  if ((await readIfThere(path)) === undefined) {
    throw new ConfigError(
      `OPENLEDGER_MASTER_KEY (or OPENLEDGER_MASTER_KEY_FILE) must be set: there is no ${path}.`,
    );
  }
  return fileKeyring(path);
}

/** Keys of earlier seals, and keys that other processes may already seal with. */
function previousKeys(): Uint8Array[] {
  const text = process.env.OPENLEDGER_PREVIOUS_MASTER_KEYS ?? '';
  if (text.trim() === '') return [];
  const keys = parseMasterKeys(text);
  if (keys) return keys;
  throw new ConfigError(
    'OPENLEDGER_PREVIOUS_MASTER_KEYS must be master keys of 64 hex characters, separated by commas.',
  );
}

/**
 * The master keys of a file, one per line, the current one first. The file is read again while the process runs, because a
 * rotation adds keys to it.
 *
 * @throws ConfigError if it contains no key
 */
export function fileKeyring(path: string): Keyring {
  const keys = parseMasterKeys(readFileSync(path, 'utf8'));
  if (!keys) throw new ConfigError(`${path} must contain a master key.`);
  return createKeyring(keys, () => {
    try {
      return parseMasterKeys(readFileSync(path, 'utf8'));
    } catch {
      // The keys that were read before stay valid.
      return undefined;
    }
  });
}

/**
 * Adds a new master key at the start of the key file, unless an interrupted rotation has added one.
 *
 * @returns whether a key was added
 */
export async function addMasterKey(dataDir: string, settings: MasterKeySettings): Promise<boolean> {
  const path = masterKeyPath(dataDir, settings);
  const text = await readFile(path, 'utf8');
  if ((parseMasterKeys(text)?.length ?? 0) > 1) return false;
  await writeKeyFile(path, `${newMasterKey()}\n${text.trim()}`);
  return true;
}

/** Removes all keys but the current one from the key file. */
export async function forgetPreviousKeys(dataDir: string, settings: MasterKeySettings): Promise<void> {
  const path = masterKeyPath(dataDir, settings);
  const [current] = parseMasterKeys(await readFile(path, 'utf8')) ?? [];
  if (current) await writeKeyFile(path, Buffer.from(current).toString('hex'));
}

function masterKeyPath(dataDir: string, { masterKeyFile }: MasterKeySettings): string {
  return masterKeyFile ?? join(dataDir, 'master.key');
}

/** The API keys of the first start, stored so that later starts can print them again. */
export interface FirstKeys {
  readonly testKey: string;
  readonly liveKey: string | null;
}

/** Stores the first keys in the data directory. */
export async function keepFirstKeys(dataDir: string, keys: FirstKeys): Promise<void> {
  await writeKeyFile(join(dataDir, 'keys.json'), JSON.stringify(keys, null, 2));
}

/** The first keys; undefined if they were not stored. */
export async function readFirstKeys(dataDir: string): Promise<FirstKeys | undefined> {
  const text = await readIfThere(join(dataDir, 'keys.json'));
  return text === undefined ? undefined : (JSON.parse(text) as FirstKeys);
}

/**
 * Records beside the embedded database that every row that gives rights has its code. Write access to the database alone
 * cannot undo this.
 */
export async function markRows(dataDir: string): Promise<void> {
  if (!(await areRowsMarked(dataDir))) await writeKeyFile(join(dataDir, 'rows-authenticated'), '');
}

/** Whether `markRows` has been called for this data directory. */
export async function areRowsMarked(dataDir: string): Promise<boolean> {
  return (await readIfThere(join(dataDir, 'rows-authenticated'))) !== undefined;
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Writes a whole file or none, readable by the owner only. */
async function writeKeyFile(path: string, text: string): Promise<void> {
  await rename(await writeDraft(path, text), path);
}

/** Writes the file unless it exists. `link` replaces nothing, so that of two concurrent writers the first one wins. */
async function writeNewKeyFile(path: string, text: string): Promise<void> {
  const draft = await writeDraft(path, text);
  try {
    await link(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

async function writeDraft(path: string, text: string): Promise<string> {
  await mkdir(join(path, '..'), { recursive: true, mode: 0o700 });
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  await writeFile(draft, `${text}\n`, { mode: 0o600, flush: true });
  return draft;
}
