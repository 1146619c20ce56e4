import { randomBytes } from 'node:crypto';
import { type App, startApp } from '../../server/src/app.ts';
import type { AppOptions } from '../../server/src/app-options.ts';
import { limits } from '../../server/src/platform/limits.ts';
import { parseBand } from '../../server/src/platform/setting-parsers.ts';
import { createPool, type Pool } from '../../server/src/store/pool.ts';
import { type ApiClient, createClient } from './client.ts';
import { createDatabase } from './database.ts';
import { checkEvents } from './events.ts';
import { watchLog } from './watched-log.ts';

/** A server under test, on its own database, with a client for each of its keys. */
export interface TestServer {
  readonly app: App;
  /** As the role that owns the database: for what a test looks up or breaks. */
  readonly databaseUrl: string;
  /** Connections of that role, with the server's guard of authenticated rows. */
  readonly ownerPool: Pool;
  /** As the role that the server serves as: for commands. */
  readonly servingUrl: string;
  /** In hexadecimal digits, for commands beside the server. */
  readonly masterKey: string;
  readonly testKey: string;
  readonly liveKey: string;
  /** Calls with the test key; every answer is checked against the served document. */
  readonly api: ApiClient;
  readonly live: ApiClient;
  /** Another server process's view: a second server on the same database. */
  second(options?: Partial<AppOptions>): Promise<App>;
  /** Checks every event that was written, stops, and fails if anything was logged as an error. */
  stop(): Promise<void>;
}

/** Starts a real server on a fresh database and a free port. */
export async function startServer(options: Partial<AppOptions> = {}): Promise<TestServer> {
  const database = await createDatabase();
  const masterKey = randomBytes(32);
  const ownerPool = createPool(database.url, 'test owner', { max: 2 });
  const started: App[] = [];
  const { errors, logger } = watchLog();
  const start = async (more: Partial<AppOptions>): Promise<App> => {
    const app = await startApp({
      databaseUrl: database.servingUrl,
      migrationUrl: database.url,
      masterKey,
      logger,
      host: '127.0.0.1',
      port: 0,
      adminHost: '127.0.0.1',
      adminPort: undefined,
      publicUrl: undefined,
      rateLimit: undefined,
      connections: limits,
      lanes: undefined,
      sandboxStepMs: 20,
      onChainFee: { numerator: 3n, denominator: 1000n },
      fiatFee: { numerator: 3n, denominator: 100n },
      rateSpread: { numerator: 5n, denominator: 1000n },
      stablecoinSpread: { numerator: 1n, denominator: 1000n },
      ratesUrl: undefined,
      ratesMapping: '/rates/{TO}',
      ratesBase: 'usd',
      ratesRefreshMs: 1000,
      ratesMaxAgeMs: 900_000,
      pegBand: parseBand('0.97/1.03'),
      idempotencyHours: 24,
      retentionYears: 5,
      trustProxy: undefined,
      termsFile: undefined,
      signerSocket: undefined,
      chainsFile: undefined,
      screeningFile: undefined,
      treasuryKeys: [],
      loopbackWebhooks: true,
      securityContact: undefined,
      rowsFromBefore: 'refuse',
      onFatal: (error) => {
        throw error;
      },
      ...more,
    });
    started.push(app);
    return app;
  };
  const app = await start(options);
  ownerPool.guard = app.pool.guard;
  const { liveKey, testKey } = app.madeKeys ?? { testKey: '', liveKey: '' };
  return {
    app,
    databaseUrl: database.url,
    ownerPool,
    servingUrl: database.servingUrl,
    masterKey: Buffer.from(options.masterKey instanceof Uint8Array ? options.masterKey : masterKey).toString(
      'hex',
    ),
    testKey,
    liveKey,
    api: await createClient(app.url, testKey),
    live: await createClient(app.url, liveKey),
    second: (more = {}) => start({ ...options, ...more }),
    async stop() {
      try {
        await checkEvents(database.url, options.masterKey ?? masterKey);
      } finally {
        for (const running of started.splice(0)) await running.stop();
        await ownerPool.end();
        await database.drop();
      }
      if (errors.length > 0) throw new Error(`The server has logged errors:\n${errors.join('')}`);
    },
  };
}
