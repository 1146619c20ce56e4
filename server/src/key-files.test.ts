import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { addMasterKey, fileKeyring, forgetPreviousKeys, openKeyring } from './key-files.ts';
import { ConfigError } from './platform/config.ts';
import { createVault, newMasterKey } from './platform/seal.ts';

let directory: string;
let dataDir: string;
let masterKeyFile: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'openledger-keys-'));
  dataDir = join(directory, 'data');
  masterKeyFile = join(directory, 'elsewhere.key');
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const linesOf = async (path: string): Promise<string[]> => (await readFile(path, 'utf8')).trim().split('\n');

describe.each([
  ['that of the data directory', false],
  ['one outside of the data directory', true],
])('rotating the master key in a file: %s', (_name, isElsewhere) => {
  it('puts a new key first, once, and leaves it alone in the end', async () => {
    const settings = isElsewhere ? { masterKeyFile } : {};
    const path = isElsewhere ? masterKeyFile : join(dataDir, 'master.key');
    if (isElsewhere) await writeFile(path, `${newMasterKey()}\n`);
    const vault = createVault(await openKeyring(dataDir, settings));
    const sealed = vault.seal('kept', 'a');
    const [first] = await linesOf(path);

    expect(await addMasterKey(dataDir, settings)).toBe(true);
    // As after one that was broken off.
    expect(await addMasterKey(dataDir, settings)).toBe(false);
    const [second, last, ...more] = await linesOf(path);
    expect([last, more]).toEqual([first, []]);
    expect(second).toMatch(/^[0-9a-f]{64}$/);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const rotated = createVault(fileKeyring(path));
    expect(rotated.open(sealed, 'a')).toBe('kept');
    expect(rotated.currentKeyId()).not.toBe(vault.currentKeyId());
    // A server that runs reads the file again as soon as it meets the new key.
    const sealedAnew = rotated.seal('new', 'a');
    await vi.waitFor(() => expect(vault.open(sealedAnew, 'a')).toBe('new'), { timeout: 10_000 });

    await forgetPreviousKeys(dataDir, settings);
    expect(await linesOf(path)).toEqual([second]);
    const after = createVault(await openKeyring(dataDir, settings));
    expect(after.currentKeyId()).toBe(rotated.currentKeyId());
    expect(() => after.open(sealed, 'a')).toThrow('which this deployment does not have');
    // Neither draft nor key is left anywhere else.
    expect(await readdir(directory)).toEqual(isElsewhere ? ['elsewhere.key'] : ['data']);
    if (!isElsewhere) expect(await readdir(dataDir)).toEqual(['master.key']);
  });
});

it('makes no key in the data directory where a file is named', async () => {
  await expect(openKeyring(dataDir, { masterKeyFile })).rejects.toThrow(ConfigError);
  expect(await readdir(directory)).toEqual([]);
});
