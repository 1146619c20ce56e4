import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError, type MasterKeySettings } from './platform/config.ts';
import { createKeyring, type Keyring } from './platform/keyring.ts';
import { newMasterKey, parseMasterKeys } from './platform/seal.ts';

/** The files in the data directory that hold keys. Only the owner can read them. */

/**
 * The master keys: the settings' if there are any, with those of OPENLEDGER_PREVIOUS_MASTER_KEYS, else the key file of the
 * data directory, which is made when missing.
 *
 * @throws ConfigError when the file holds no key
 */
export async function openKeyring(dataDir: string, settings: MasterKeySettings): Promise<Keyring> {
  const isSet = settings.masterKey !== undefined || settings.masterKeyFile !== undefined;
  const path = masterKeyPath(dataDir, settings);
  if (!isSet && (await readIfThere(path)) === undefined) await writeNewKeyFile(path, newMasterKey());
  return readKeyring(dataDir, settings);
}

/**
 * The same, but makes no key.
 *
 * @throws ConfigError also when there is neither setting nor key file
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

/** Keys that open what was sealed before, and that others may seal with soon. */
function previousKeys(): Uint8Array[] {
  const text = process.env.OPENLEDGER_PREVIOUS_MASTER_KEYS ?? '';
  if (text.trim() === '') return [];
  const keys = parseMasterKeys(text);
  if (keys) return keys;
  throw new ConfigError(
    'OPENLEDGER_PREVIOUS_MASTER_KEYS is wrong. Give master keys of 64 hex characters each, separated by commas.',
  );
}

/**
 * The master keys of a file, one a line, the current one first. The file is read again while the process runs: a rotation
 * puts a new key into it.
 *
 * @throws ConfigError when it holds no key
 */
export function fileKeyring(path: string): Keyring {
  const keys = parseMasterKeys(readFileSync(path, 'utf8'));
  if (!keys) throw new ConfigError(`${path} does not hold a master key.`);
  return createKeyring(keys, () => {
    try {
      return parseMasterKeys(readFileSync(path, 'utf8'));
    } catch {
      // What was read before still holds.
      return undefined;
    }
  });
}

/**
 * Puts a new master key before the one in the key file, unless a rotation has done so and was broken off.
 *
 * @returns whether a key was made
 */
export async function addMasterKey(dataDir: string, settings: MasterKeySettings): Promise<boolean> {
  const path = masterKeyPath(dataDir, settings);
  const text = await readFile(path, 'utf8');
  if ((parseMasterKeys(text)?.length ?? 0) > 1) return false;
  await writeKeyFile(path, `${newMasterKey()}\n${text.trim()}`);
  return true;
}

/** Leaves only the current key in the key file. */
export async function forgetPreviousKeys(dataDir: string, settings: MasterKeySettings): Promise<void> {
  const path = masterKeyPath(dataDir, settings);
  const [current] = parseMasterKeys(await readFile(path, 'utf8')) ?? [];
  if (current) await writeKeyFile(path, Buffer.from(current).toString('hex'));
}

function masterKeyPath(dataDir: string, { masterKeyFile }: MasterKeySettings): string {
  return masterKeyFile ?? join(dataDir, 'master.key');
}

/** The keys of the first start, kept so that a developer's later starts can show them again. */
export interface FirstKeys {
  readonly testKey: string;
  readonly liveKey: string | null;
}

/** Keeps the first keys in the data directory. */
export async function keepFirstKeys(dataDir: string, keys: FirstKeys): Promise<void> {
  await writeKeyFile(join(dataDir, 'keys.json'), JSON.stringify(keys, null, 2));
}

/** The first keys as they were kept; undefined when they were not. */
export async function readFirstKeys(dataDir: string): Promise<FirstKeys | undefined> {
  const text = await readIfThere(join(dataDir, 'keys.json'));
  return text === undefined ? undefined : (JSON.parse(text) as FirstKeys);
}

/**
 * Keeps beside the embedded database that all its rows that give rights have their codes: whoever writes to the database
 * cannot make it look like one from before that.
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

/** Does so unless there is one already: `link` replaces nothing, so of two that write at once the first one stays. */
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
