import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { type App, startApp } from './app.ts';
import { stillValid } from './bootstrap.ts';
import { DataDirInUseError, removeEmbedded, startEmbedded } from './embedded-postgres/embedded.ts';
import {
  areRowsMarked,
  type FirstKeys,
  keepFirstKeys,
  markRows,
  openKeyring,
  readFirstKeys,
} from './key-files.ts';
import { type Config, ConfigError, loadDotEnv, readConfig } from './platform/config.ts';
import { safeMessage, safeStack } from './platform/error-text.ts';
import { limits } from './platform/limits.ts';
import { createLogger, type Logger, redactText } from './platform/logger.ts';
import { isLoopbackHost } from './platform/loopback.ts';
import { printReady } from './ready.ts';

/** The parts of a running server that have to be ended, the latest first. */
type Closers = (() => Promise<unknown>)[];

/**
 * Starts a server and runs until it is told to stop (SIGINT, SIGTERM or SIGHUP). The composition root.
 *
 * @param args command line arguments, without node and script
 */
export async function main(args: readonly string[]): Promise<void> {
  // Collect what is dead when the heap has grown by half, instead of to a multiple (decision 0015).
  setFlagsFromString('--heap-growing-percent=50');
  const closers: Closers = [];
  let starting: Promise<void> | undefined;
  const stop = stopper(closers, () => starting);
  try {
    loadDotEnv(process.env);
    const read = readConfig(args);
    if ('helpText' in read) {
      process.stdout.write(read.helpText);
      return;
    }
    const logger = createLogger(read.config.logLevel);
    stopOnSignals(stop, logger);
    endOnUncaught(logger);
    starting = start(read.config, logger, closers, stop);
    await starting;
  } catch (error) {
    await stop(1, explain(error));
  }
}

type Stop = (exitCode: number, message?: string) => Promise<void>;

async function start(config: Config, logger: Logger, closers: Closers, stop: Stop): Promise<void> {
  const dataDir = config.ephemeral ? await temporaryDirectory(closers) : config.dataDir;
  const { databaseUrl, migrationUrl } =
    config.databaseUrl === undefined
      ? await embeddedDatabase(dataDir, logger, closers, stop)
      : { databaseUrl: config.databaseUrl, migrationUrl: config.migrationUrl };
  // After the data directory has been claimed: of two that start at once, only its owner may make the key.
  const isKeySet = config.masterKey !== undefined || config.masterKeyFile !== undefined;
  const masterKey = await openKeyring(dataDir, config);
  const app = await startApp({
    ...config,
    databaseUrl,
    migrationUrl,
    masterKey,
    logger,
    // Of the embedded database's own file system: whoever can only write to the database cannot take it away.
    rowsFromBefore: config.databaseUrl === undefined && !(await areRowsMarked(dataDir)) ? 'bless' : 'refuse',
    onRowsAuthenticated: async () => {
      if (config.databaseUrl === undefined) await markRows(dataDir);
    },
    // Kept at once: should the start fail after this, the next one can still show them.
    onKeysMade: ({ liveKey, testKey }) =>
      keepFirstKeys(dataDir, { testKey, liveKey: isKeySet ? null : liveKey }),
    onFatal: (error) => {
      logger.fatal({ err: error }, 'the server cannot go on');
      void stop(1, safeMessage(error));
    },
  });
  closers.push(() => app.stop());
  if (!isKeySet) {
    logger.warn(
      { dataDir },
      'the master key lies in the data directory; for live money set OPENLEDGER_MASTER_KEY',
    );
  }
  if (config.loopbackWebhooks && !isLoopbackHost(config.host)) {
    logger.warn('--loopback-webhooks lets every holder of a test key send requests to this machine');
  }
  printReady({ config, app, dataDir, databaseUrl, keys: await keysToShow(app, dataDir) });
}

async function temporaryDirectory(closers: Closers): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'openledger-'));
  // PostgreSQL, which is another user when we are root, must be able to pass through.
  await chmod(path, 0o711);
  closers.push(async () => {
    await removeEmbedded(path);
    await rm(path, { recursive: true, force: true });
  });
  return path;
}

async function embeddedDatabase(
  dataDir: string,
  logger: Logger,
  closers: Closers,
  stop: Stop,
): Promise<{ databaseUrl: string; migrationUrl: string }> {
  const server = await startEmbedded({ dataDir, logger });
  let isStopping = false;
  closers.push(() => {
    isStopping = true;
    return server.stop();
  });
  void server.ended.then(() => {
    if (!isStopping)
      void stop(1, 'error: The embedded PostgreSQL has ended; the server ends too. Start it again.');
  });
  return { databaseUrl: server.url, migrationUrl: server.migrationUrl };
}

/**
 * The keys to print. Those of the first start are kept in the data directory, so that a developer sees them again; the
 * live one only while the master key lies there too, for then they are worth no more than each other.
 */
async function keysToShow(app: App, dataDir: string): Promise<Partial<FirstKeys>> {
  if (app.madeKeys) return app.madeKeys;
  const kept = await readFirstKeys(dataDir);
  const testKey = await stillValid(app.pool, kept?.testKey);
  const liveKey = await stillValid(app.pool, kept?.liveKey);
  return { ...(testKey === null ? {} : { testKey }), liveKey };
}

/** Ends everything once, whoever asks first, and then the process. */
function stopper(closers: Closers, starting: () => Promise<void> | undefined): Stop {
  let stopping: Promise<void> | undefined;
  const run = async (exitCode: number, message?: string): Promise<void> => {
    if (message !== undefined) process.stderr.write(`${message}\n`);
    // What hangs for longer than this is given up, also when it is not a signal that ends us: PostgreSQL may be gone, and
    // somebody waits to start us again. Everything acknowledged is committed already.
    setTimeout(() => process.exit(1), limits.shutdownTimeoutMs).unref();
    let code = exitCode;
    // What is being started can only be ended once it is there.
    await starting()?.catch(() => undefined);
    for (const close of closers.splice(0).reverse()) {
      await close().catch((error: unknown) => {
        process.stderr.write(`${redactText(safeMessage(error))}\n`);
        code = 1;
      });
    }
    process.exit(code);
  };
  return (exitCode, message) => {
    stopping ??= run(exitCode, message);
    return stopping;
  };
}

function stopOnSignals(stop: Stop, logger: Logger): void {
  const onSignal = (signal: NodeJS.Signals): void => {
    logger.info({ signal }, 'stopping');
    void stop(0);
  };
  // A terminal sends Ctrl-C to npm and to us, and npm passes it on: a second signal means no more than the first.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
}

/** Node would print such an error with all that it carries, a database's values too. */
function endOnUncaught(logger: Logger): void {
  process.on('uncaughtException', (error) => {
    logger.fatal({ err: error }, 'an error was not caught; the server ends');
    process.exit(1);
  });
}

/** What to tell the user of an error at start. */
function explain(error: unknown): string {
  if (error instanceof ConfigError || error instanceof DataDirInUseError) return `error: ${error.message}`;
  return explainSystem(error) ?? explainSystem((error as Error).cause) ?? inFull(error);
}

function inFull(error: unknown): string {
  return redactText((error instanceof Error ? safeStack(error) : undefined) ?? safeMessage(error));
}

function explainSystem(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { address, code, port, syscall } = error as {
    address?: string;
    code?: string;
    port?: number;
    syscall?: string;
  };
  if (code === 'EADDRINUSE') {
    return `error: PORT: ${address}:${port} is in use already. Stop what listens there, or choose another PORT.`;
  }
  if (code === 'EACCES' && syscall === 'listen')
    return `error: PORT: not allowed to listen on ${address}:${port}.`;
  if (syscall === 'listen') return `error: HOST: cannot listen on ${address}:${port} (${code}).`;
  if (code === 'ENOTDIR' || code === 'EEXIST' || code === 'EACCES' || code === 'EROFS') {
    return `error: OPENLEDGER_DATA_DIR: ${error.message}`;
  }
  const isUnreachable = syscall === 'connect' || syscall === 'getaddrinfo' || /^(08|28|3D)/.test(code ?? '');
  if (isUnreachable || /timeout/.test(error.message)) {
    return `error: DATABASE_URL: the database cannot be reached (${redactText((error as Error).message || code || '')}).`;
  }
  return undefined;
}
