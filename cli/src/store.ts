import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readStoredSeed } from '@openledger/server/custody/seed-store.ts';
import { findRunning, startEmbedded } from '@openledger/server/embedded-postgres/embedded.ts';
import { readKeyring } from '@openledger/server/key-files.ts';
import { systemClock } from '@openledger/server/platform/clock.ts';
import { ConfigError, type MasterKeySettings } from '@openledger/server/platform/config.ts';
import { safeMessage } from '@openledger/server/platform/error-text.ts';
import { createIdSource } from '@openledger/server/platform/ids.ts';
import { createLogger } from '@openledger/server/platform/logger.ts';
import { createVault, type Vault } from '@openledger/server/platform/seal.ts';
import { createCustomerSalts } from '@openledger/server/store/customer-salts.ts';
import { createDb, type Db } from '@openledger/server/store/database.ts';
import { createEnvironmentClocks } from '@openledger/server/store/environment-clocks.ts';
import { createPool, type Pool } from '@openledger/server/store/pool.ts';
import { findPublicUrl } from '@openledger/server/store/public-url.ts';
import { createRowGuard } from '@openledger/server/store/row-guard.ts';
import { sqlState } from '@openledger/server/store/transaction.ts';
import { prepareLanes } from '@openledger/server/writer/lanes.ts';
import { createWriter, type Writer } from '@openledger/server/writer/writer.ts';

/** The settings of the data's location. */
export interface StoreSettings extends MasterKeySettings {
  readonly dataDir: string;
  readonly databaseUrl?: string;
  readonly logLevel: string;
  readonly lanes?: number;
}

/** An open store. Writes go through a writer, as in the server. */
export interface Store {
  readonly pool: Pool;
  readonly db: Db;
  readonly writer: Writer;
  /** Has no keys unless the command requested them. */
  readonly vault: Vault;
}

/** What a command needs to read and write sealed values. */
interface Keys {
  readonly vault: Vault;
  /** The base URL that clients reach the servers by. */
  readonly publicUrl: string;
}

/** Commands that only list ids, statuses and times need no master key. Commands that write need one, because rows are authenticated. */
const noVault: Vault = {
  seal: refuseVault,
  sealLike: refuseVault,
  open: refuseVault,
  openBytes: refuseVault,
  fingerprint: refuseVault,
  fingerprints: refuseVault,
  sign: refuseVault,
  isSigned: refuseVault,
  mac: refuseVault,
  isAuthentic: refuseVault,
  currentKeyId: refuseVault,
  prepare: refuseVault,
  inEnvironment: () => noVault,
  forCustomer: () => noVault,
  withSalts: () => noVault,
};

function refuseVault(): never {
  throw new Error('This command has no master key');
}

const noKeys = async (): Promise<Keys> => ({ vault: noVault, publicUrl: '' });

/**
 * Runs `work` on the store: an external database, that of a running server, or the embedded one, which is started and
 * stopped for it.
 *
 * @throws ConfigError if there is no data, or the database cannot be reached
 */
export async function withStore(
  settings: StoreSettings,
  work: (store: Store) => Promise<void>,
  openKeys: (pool: Pool) => Promise<Keys> = noKeys,
): Promise<void> {
  const { stop, url } = await openDatabase(resolve(settings.dataDir), settings);
  try {
    await withDatabase(url, settings, work, openKeys);
  } finally {
    await stop();
  }
}

/**
 * Runs `work` with the master keys, for commands that write, or read sealed or authenticated values.
 *
 * @throws ConfigError also if there is no master key, or it does not belong to the database
 */
export function withVault(settings: StoreSettings, work: (store: Store) => Promise<void>): Promise<void> {
  return withStore(settings, work, async (pool) => {
    const vault = await openVault(settings, pool);
    const publicUrl = await findPublicUrl(pool);
    if (publicUrl === undefined)
      throw new ConfigError('No server has run here yet; start one first (npm start).');
    return { vault, publicUrl };
  });
}

/** Runs `work` with the master keys, for commands that only read, even if no server has run. */
export function withReadingVault(
  settings: StoreSettings,
  work: (store: Store) => Promise<void>,
): Promise<void> {
  return withStore(settings, work, async (pool) => ({
    vault: await openVault(settings, pool),
    publicUrl: '',
  }));
}

async function openVault(settings: StoreSettings, pool: Pool): Promise<Vault> {
  const keyring = await readKeyring(resolve(settings.dataDir), settings);
  const vault = createVault(keyring).withSalts(createCustomerSalts(pool));
  // Opened only to check that the key is the right one.
  const stored = await readStoredSeed(pool, vault);
  if (stored && 'words' in stored) stored.words.fill(0);
  return vault;
}

async function openDatabase(
  dataDir: string,
  settings: StoreSettings,
): Promise<{ url: string; stop: () => Promise<void> }> {
  const nothing = async (): Promise<void> => undefined;
  if (settings.databaseUrl) return { url: settings.databaseUrl, stop: nothing };
  const running = await findRunning(dataDir);
  if (running) return { url: running.databaseUrl, stop: nothing };
  if (!existsSync(join(dataDir, 'postgres'))) {
    throw new ConfigError(
      `There is no data in ${dataDir}; start the server first (npm start), or give --data-dir.`,
    );
  }
  const server = await startEmbedded({ dataDir, logger: createLogger('error') });
  return { url: server.url, stop: () => server.stop() };
}

async function withDatabase(
  databaseUrl: string,
  settings: StoreSettings,
  work: (store: Store) => Promise<void>,
  openKeys: (pool: Pool) => Promise<Keys>,
): Promise<void> {
  const pool = createPool(databaseUrl, 'openledger command');
  try {
    const laneCount = await readLanes(pool, settings.lanes);
    const { publicUrl, vault } = await openKeys(pool);
    const clocks = createEnvironmentClocks(pool, systemClock);
    if (vault !== noVault) {
      pool.guard = createRowGuard(vault, warnOfRow);
      await clocks.refresh();
    }
    const writer = createWriter({
      databaseUrl,
      guard: pool.guard,
      laneCount,
      clock: systemClock,
      nowIn: clocks.nowIn,
      ids: createIdSource(systemClock),
      vault,
      publicUrl: () => publicUrl,
      events: {
        onBatch: () => undefined,
        onRetry: () => undefined,
        onFatal: (error) => process.emitWarning(safeMessage(error)),
      },
    });
    try {
      await work({ pool, writer, vault, db: createDb(pool) });
    } finally {
      await writer.close();
    }
  } finally {
    await pool.end();
  }
}

function warnOfRow(table: string, rowId: string): void {
  process.emitWarning(`The row ${rowId} of ${table} is not authentic and is not used.`);
}

/** The first query of the database, which finds its faults. */
async function readLanes(pool: Pool, wanted: number | undefined): Promise<number> {
  try {
    return await prepareLanes(pool, wanted);
  } catch (error) {
    const state = sqlState(error) ?? '';
    if (state === '42P01') {
      throw new ConfigError('There is no ledger in this database yet; start the server first (npm start).');
    }
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (syscall === undefined && !/^(08|28|3D|57P)/.test(state)) throw error;
    // The error of a name with several addresses has no message.
    const text = error instanceof Error && error.message !== '' ? error.message : code;
    throw new ConfigError(`DATABASE_URL: the database cannot be reached (${text}).`);
  }
}
