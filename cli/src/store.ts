import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { openMasterKey } from '@openledger/server/key-files.ts';
import { systemClock } from '@openledger/server/platform/clock.ts';
import { ConfigError } from '@openledger/server/platform/config.ts';
import { createIdSource } from '@openledger/server/platform/ids.ts';
import { createLogger } from '@openledger/server/platform/logger.ts';
import { createVault } from '@openledger/server/platform/seal.ts';
import { createDb, type Db } from '@openledger/server/store/database.ts';
import { findRunning, startEmbedded } from '@openledger/server/store/embedded.ts';
import { createPool, type Pool } from '@openledger/server/store/pool.ts';
import { prepareLanes } from '@openledger/server/writer/lanes.ts';
import { createWriter, type Writer } from '@openledger/server/writer/writer.ts';

/** The settings that say where the data is. */
export interface StoreSettings {
  readonly dataDir: string;
  readonly databaseUrl?: string;
  readonly masterKey?: Uint8Array;
  readonly logLevel: string;
  readonly lanes?: number;
}

/** An open store. Writes go through a writer, as in the server. */
export interface Store {
  readonly pool: Pool;
  readonly db: Db;
  readonly writer: Writer;
}

/**
 * Runs `work` on the store: the user's own database, that of a running server, or the embedded one, which is then
 * started and stopped.
 *
 * @throws ConfigError when there is no data yet
 */
export async function withStore(
  settings: StoreSettings,
  work: (store: Store) => Promise<void>,
): Promise<void> {
  const dataDir = resolve(settings.dataDir);
  const { stop, url } = await openDatabase(dataDir, settings);
  try {
    await withDatabase(url, dataDir, settings, work);
  } finally {
    await stop();
  }
}

async function openDatabase(
  dataDir: string,
  settings: StoreSettings,
): Promise<{ url: string; stop: () => Promise<void> }> {
  const nothing = async (): Promise<void> => undefined;
  if (settings.databaseUrl) return { url: settings.databaseUrl, stop: nothing };
  const running = await findRunning(dataDir);
  if (running) return { url: running.databaseUrl, stop: nothing };
  if (!existsSync(dataDir)) {
    throw new ConfigError(
      `There is no data in ${dataDir}; start the server first (npm start), or give --data-dir.`,
    );
  }
  const server = await startEmbedded({ dataDir, logger: createLogger('error') });
  return { url: server.url, stop: () => server.stop() };
}

async function withDatabase(
  databaseUrl: string,
  dataDir: string,
  settings: StoreSettings,
  work: (store: Store) => Promise<void>,
): Promise<void> {
  const pool = createPool(databaseUrl, 'openledger command');
  try {
    const writer = createWriter({
      databaseUrl,
      laneCount: await prepareLanes(pool, settings.lanes),
      clock: systemClock,
      ids: createIdSource(systemClock),
      vault: createVault(await openMasterKey(dataDir, settings.masterKey)),
      events: {
        onBatch: () => undefined,
        onRetry: () => undefined,
        onFatal: (error) => process.emitWarning(error),
      },
    });
    try {
      await work({ pool, writer, db: createDb(pool) });
    } finally {
      await writer.close();
    }
  } finally {
    await pool.end();
  }
}
