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

/** The parts of a running server to close, the latest first. */
type Closers = (() => Promise<unknown>)[];

/**
 * Starts a server, which runs until SIGINT, SIGTERM or SIGHUP.
 *
 * @param args command line arguments, without node and script
 */
export async function main(args: readonly string[]): Promise<void> {
  // Collect garbage when the heap has grown by half instead of by a multiple (decision 0015).
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
  // After the data directory has been claimed: of two concurrent starts, only its owner may create the key.
  const isKeySet = config.masterKey !== undefined || config.masterKeyFile !== undefined;
  const masterKey = await openKeyring(dataDir, config);
  const app = await startApp({
    ...config,
    databaseUrl,
    migrationUrl,
    masterKey,
    logger,
    // The mark is a file: write access to the database alone cannot remove it.
    rowsFromBefore: config.databaseUrl === undefined && !(await areRowsMarked(dataDir)) ? 'bless' : 'refuse',
    onRowsAuthenticated: async () => {
      if (config.databaseUrl === undefined) await markRows(dataDir);
    },
    // Stored immediately, so that the next start can print them if this one fails.
    onKeysMade: ({ liveKey, testKey }) =>
      keepFirstKeys(dataDir, { testKey, liveKey: isKeySet ? null : liveKey }),
    onFatal: (error) => {
      logger.fatal({ err: error }, 'the server cannot continue');
      void stop(1, safeMessage(error));
    },
  });
  closers.push(() => app.stop());
  if (!isKeySet) {
    logger.warn(
      { dataDir },
      'the master key is in the data directory; for live money set OPENLEDGER_MASTER_KEY',
    );
  }
  if (config.loopbackWebhooks && !isLoopbackHost(config.host)) {
    logger.warn('with --loopback-webhooks every holder of a test key can send requests to this machine');
  }
  printReady({ config, app, dataDir, databaseUrl, keys: await keysToShow(app, dataDir) });
}

async function temporaryDirectory(closers: Closers): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'openledger-'));
  // If this process is root, PostgreSQL runs as another user, which must be able to traverse the directory.
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
      void stop(1, 'error: The embedded PostgreSQL has stopped, so the server stops; start it again.');
  });
  return { databaseUrl: server.url, migrationUrl: server.migrationUrl };
}

/**
 * The keys to print. The data directory stores those of the first start, so that a developer sees them again; the live one
 * only if the master key is stored there too.
 */
async function keysToShow(app: App, dataDir: string): Promise<Partial<FirstKeys>> {
  if (app.madeKeys) return app.madeKeys;
  const kept = await readFirstKeys(dataDir);
  const testKey = await stillValid(app.pool, kept?.testKey);
  const liveKey = await stillValid(app.pool, kept?.liveKey);
  return { ...(testKey === null ? {} : { testKey }), liveKey };
}

/** Closes everything once, then ends the process. Later calls wait for the first one. */
function stopper(closers: Closers, starting: () => Promise<void> | undefined): Stop {
  let stopping: Promise<void> | undefined;
  const run = async (exitCode: number, message?: string): Promise<void> => {
    if (message !== undefined) process.stderr.write(`${message}\n`);
    // The process ends after this time in any case: PostgreSQL may not answer any more. Everything acknowledged has been
    // committed.
    setTimeout(() => process.exit(1), limits.shutdownTimeoutMs).unref();
    let code = exitCode;
    // A start that is under way must end before it can be closed.
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
  // A terminal sends Ctrl-C to npm and to this process, and npm forwards it: a second signal has no further effect.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
}

/** Node would print such an error with all of its properties, which may contain values of the database. */
function endOnUncaught(logger: Logger): void {
  process.on('uncaughtException', (error) => {
    logger.fatal({ err: error }, 'an error was not caught; the server stops');
    process.exit(1);
  });
}

/** The message for an error at start. */
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
    return `error: PORT: ${address}:${port} is in use. Stop the process that listens there, or set another PORT.`;
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
