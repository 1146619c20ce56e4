import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { checkRecordedAddresses } from '@openledger/server/custody/recorded-addresses.ts';
import {
  checkedMnemonic,
  createSeed,
  sealAbsence,
  sealSeed,
  seedFromMnemonic,
} from '@openledger/server/custody/seed.ts';
import { openSeedFile, treasuryOf, writeSeedFile } from '@openledger/server/custody/seed-file.ts';
import { readStoredSeed, replaceStoredSeed } from '@openledger/server/custody/seed-store.ts';
import { readKeyring } from '@openledger/server/key-files.ts';
import { systemClock } from '@openledger/server/platform/clock.ts';
import { ConfigError } from '@openledger/server/platform/config.ts';
import { createVault, type Vault } from '@openledger/server/platform/seal.ts';
import type { Pool } from '@openledger/server/store/pool.ts';
import type { Command } from 'commander';
import { passphraseOption, readPassphrase, readText } from './passphrase.ts';
import { printError, printLine } from './print.ts';
import { type Store, type StoreSettings, withStore, withVault } from './store.ts';

interface SeedOptions {
  readonly passphraseFile?: string;
  readonly wordsFile?: string;
  readonly words?: boolean;
  readonly replace?: boolean;
}

/** Adds `openledger seed …`. */
export function addSeedCommands(program: Command): void {
  const seed = program.command('seed').description('the seed that all addresses and keys derive from');
  const file = ['<file>', 'the seed file, encrypted with the passphrase'] as const;
  seed
    .command('create')
    .description('create a seed file for a separate signer')
    .argument(...file)
    .addOption(passphraseOption())
    .action((path: string, options: SeedOptions) => createCommand(path, options));
  seed
    .command('backup')
    .description("write the database's seed to a file, or print its words")
    .argument('[file]', 'the seed file to write; an existing file is not overwritten')
    .option('--words', 'print the 24 words instead; they give access to all funds', false)
    .addOption(passphraseOption())
    .action((path: string | undefined, options: SeedOptions) =>
      withVault(program.opts(), (store) => backupCommand(store, path, options)),
    );
  seed
    .command('check')
    .description('check that every recorded deposit address derives from a backup')
    .argument('[file]', file[1])
    .option('--words-file <path>', 'a file with the 24 words, instead of a seed file')
    .addOption(passphraseOption())
    .action((path: string | undefined, options: SeedOptions) =>
      withStore(program.opts(), (store) => checkCommand(store, path, options)),
    );
  seed
    .command('restore')
    .description('restore a backup into the database, if every recorded deposit address derives from it')
    .argument('[file]', file[1])
    .option('--words-file <path>', 'a file with the 24 words, instead of a seed file')
    .option('--replace', 'replace a different seed from which no recorded address derives', false)
    .addOption(passphraseOption())
    .action((path: string | undefined, options: SeedOptions) =>
      withStore(program.opts(), (store) => restoreCommand(store, program.opts(), path, options)),
    );
  seed
    .command('detach')
    .description(
      'remove the seed from the database after verifying its file; a separate signer keeps it from then on',
    )
    .argument(...file)
    .addOption(passphraseOption())
    .action((path: string, options: SeedOptions) =>
      withVault(program.opts(), (store) => detachCommand(store, path, options)),
    );
}

async function createCommand(path: string, options: SeedOptions): Promise<void> {
  await writeNew(path, writeSeedFile(createSeed(), readPassphrase(options.passphraseFile)));
  printLine(
    `${resolve(path)} contains a new seed. Keep a copy of the file and its passphrase in another place.`,
  );
}

async function backupCommand(
  { pool, vault }: Store,
  path: string | undefined,
  options: SeedOptions,
): Promise<void> {
  const mnemonic = await storedMnemonic(pool, vault);
  if (options.words) {
    printError('These words give access to all funds. Write them down; do not store them in a file.');
    printLine(mnemonic);
    return;
  }
  if (path === undefined) throw new ConfigError('A file to write, or --words, is required.');
  await writeNew(path, writeSeedFile(mnemonic, readPassphrase(options.passphraseFile)));
  printLine(`${resolve(path)} contains the seed. Check it with: npx openledger seed check ${path}`);
}

async function checkCommand({ pool }: Store, path: string | undefined, options: SeedOptions): Promise<void> {
  const wallets = await requireRecorded(pool, readBackup(path, options));
  printLine(`The addresses of all ${wallets} recorded wallets derive from the backup.`);
}

async function restoreCommand(
  { pool }: Store,
  settings: StoreSettings,
  path: string | undefined,
  options: SeedOptions,
): Promise<void> {
  const mnemonic = readBackup(path, options);
  const wallets = await requireRecorded(pool, mnemonic);
  const vault = createVault(await readKeyring(resolve(settings.dataDir), settings));
  if (!options.replace && wallets === 0) await refuseOther(pool, vault, mnemonic);
  await replaceStoredSeed(pool, sealSeed(vault, mnemonic), systemClock);
  printLine(`The seed is restored. The addresses of all ${wallets} recorded wallets derive from it.`);
}

async function detachCommand({ pool, vault }: Store, path: string, options: SeedOptions): Promise<void> {
  const stored = await storedMnemonic(pool, vault);
  const backup = readBackup(path, options);
  if (stored !== backup)
    throw new ConfigError(`${path} must contain the seed of the database; it contains another one.`);
  await requireRecorded(pool, backup);
  await replaceStoredSeed(pool, sealAbsence(vault, treasuryOf(Buffer.from(backup))), systemClock);
  printLine(
    'The seed is removed from the database. Start the signer, and the server with --signer-socket. Earlier backups of the ' +
      'database still contain the seed, sealed with the master key.',
  );
}

/** Without a recorded address two seeds cannot be told apart, and the treasury of the other one may hold money. */
async function refuseOther(pool: Pool, vault: Vault, mnemonic: string): Promise<void> {
  const stored = await readStoredSeed(pool, vault);
  const treasury = treasuryOf(Buffer.from(mnemonic));
  const found = stored && ('words' in stored ? treasuryOf(stored.words) : stored.treasury);
  if (found === undefined || found === treasury) return;
  throw new ConfigError(
    'The database has another seed and no recorded addresses. Use --replace to replace that seed.',
  );
}

async function storedMnemonic(pool: Pool, vault: Vault): Promise<string> {
  const stored = await readStoredSeed(pool, vault);
  if (!stored || !('words' in stored)) {
    throw new ConfigError(
      'The database has no seed. A separate signer keeps it; copy its seed file instead.',
    );
  }
  return stored.words.toString();
}

/** The words of a seed file or of a words file. */
function readBackup(path: string | undefined, { passphraseFile, wordsFile }: SeedOptions): string {
  if ((path === undefined) === (wordsFile === undefined))
    throw new ConfigError('Either a seed file or --words-file is required.');
  if (path !== undefined)
    return openSeedFile(readText('file', path), readPassphrase(passphraseFile)).toString();
  try {
    return checkedMnemonic(readText('--words-file', wordsFile ?? ''));
  } catch (error) {
    throw error instanceof ConfigError ? error : new ConfigError(`--words-file: ${(error as Error).message}`);
  }
}

/** Verifies that every recorded address derives from the mnemonic. @returns the number of wallets */
async function requireRecorded(pool: Pool, mnemonic: string): Promise<number> {
  const seed = seedFromMnemonic(mnemonic);
  const { differing, wallets } = await checkRecordedAddresses(pool, seed).finally(() => seed.fill(0));
  if (differing === undefined) return wallets;
  throw new ConfigError(
    `The addresses of ${differing} must derive from the seed; they do not. Nothing was changed.`,
  );
}

/**
 * Writes a file that only its owner can read.
 *
 * @throws ConfigError if the file exists or cannot be written
 */
export async function writeNew(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text, { mode: 0o600, flag: 'wx', flush: true });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ConfigError(code === 'EEXIST' ? `${path} exists already.` : `Cannot write ${path} (${code}).`);
  }
}
