import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError } from './platform/config.ts';
import { newMasterKey, parseMasterKey } from './platform/seal.ts';

/** The files in the data directory that hold keys. Only the owner can read them. */

/**
 * The master key: the setting if there is one, else the key file of the data directory, which is made when missing.
 *
 * @param setting 32 bytes
 * @throws ConfigError when the file holds no key
 */
export async function openMasterKey(dataDir: string, setting: Uint8Array | undefined): Promise<Uint8Array> {
  if (setting) return setting;
  const path = masterKeyPath(dataDir);
  if ((await readIfThere(path)) === undefined) await writeNewKeyFile(path, newMasterKey());
  return readMasterKey(dataDir, setting);
}

/**
 * The same, but makes no key.
 *
 * @throws ConfigError also when there is neither setting nor key file
 */
export async function readMasterKey(dataDir: string, setting: Uint8Array | undefined): Promise<Uint8Array> {
  if (setting) return setting;
  const path = masterKeyPath(dataDir);
  const text = await readIfThere(path);
  if (text === undefined) {
    throw new ConfigError(`OPENLEDGER_MASTER_KEY: this needs the master key, and there is no ${path}.`);
  }
  const key = parseMasterKey(text.trim());
  if (!key) throw new ConfigError(`${path} does not hold a master key.`);
  return key;
}

function masterKeyPath(dataDir: string): string {
  return join(dataDir, 'master.key');
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
