import { fileURLToPath } from 'node:url';
import type { AppOptions } from './app-options.ts';
import { ensureOrganisation, type MadeKeys } from './bootstrap.ts';
import { type ChainConfig, readChainsFile } from './chains/config.ts';
import { openSigner } from './custody/open-signer.ts';
import type { Signer } from './custody/signer.ts';
import { signingPolicy } from './custody/signing-policy.ts';
import { proofKeysOf } from './custody/transfer-proof.ts';
import { type Clock, systemClock } from './platform/clock.ts';
import type { Closers } from './platform/closers.ts';
import { createIdSource, type IdSource } from './platform/ids.ts';
import { createKeyring, type Keyring } from './platform/keyring.ts';
import { createMetrics, type Metrics } from './platform/metrics.ts';
import { createVault, type Vault } from './platform/seal.ts';
import { createRowAlarm } from './row-alarm.ts';
import { requireAuthenticatedRows } from './store/authenticate-rows.ts';
import { createCustomerSalts } from './store/customer-salts.ts';
import { createDb } from './store/database.ts';
import { createEnvironmentClocks, type EnvironmentClocks } from './store/environment-clocks.ts';
import { createPools, type Pools } from './store/pools.ts';
import { prepareSchema } from './store/roles.ts';
import { createRowGuard } from './store/row-guard.ts';
import { prepareLanes } from './writer/lanes.ts';
import { createWriter, type Writer } from './writer/writer.ts';

/** The parts that everything else is built on: database, keys, clocks, signer and writer. */
export interface Core {
  readonly clock: Clock;
  readonly pools: Pools;
  readonly keyring: Keyring;
  readonly vault: Vault;
  readonly metrics: Metrics;
  readonly chainConfigs: readonly ChainConfig[];
  readonly signer: Signer;
  readonly clocks: EnvironmentClocks;
  readonly ids: IdSource;
  readonly writer: Writer;
  /** The keys, if this start created the organisation. */
  readonly madeKeys: MadeKeys | undefined;
  /** The base URL that clients reach the server by; known once it listens. */
  publicUrl(): string;
}

/** What the core calls in parts that start after it. */
export interface CoreHooks {
  publicUrl(): string;
  /** A batch was committed. */
  onCommit(): void;
}

const oneRole =
  'the role of DATABASE_URL owns the tables and can undo their protection; for live money set OPENLEDGER_MIGRATION_URL';
const migrationsFolder = fileURLToPath(new URL('../migrations', import.meta.url));

/**
 * Opens the core on a migrated database, and creates the organisation of a new deployment.
 *
 * @throws ConfigError if a setting does not fit the database
 */
export async function openCore(options: AppOptions, closers: Closers, hooks: CoreHooks): Promise<Core> {
  const { logger } = options;
  const { onCommit, publicUrl } = hooks;
  const clock = options.clock ?? systemClock;
  const pools = createPools(options.databaseUrl);
  const pool = pools.system;
  closers.add(() => pools.end());
  const { isOneRole } = await prepareSchema(pool, options.migrationUrl, migrationsFolder);
  if (isOneRole) logger.warn(oneRole);
  const laneCount = await prepareLanes(pool, options.lanes);
  const { masterKey } = options;
  const keyring = masterKey instanceof Uint8Array ? createKeyring([masterKey]) : masterKey;
  const vault = createVault(keyring).withSalts(createCustomerSalts(pool));
  const metrics = createMetrics(() => writer.queued());
  pools.guard(createRowGuard(vault, createRowAlarm(logger, metrics, clock)));
  await requireAuthenticatedRows(pool, options.rowsFromBefore);
  const chainConfigs = options.chainsFile === undefined ? [] : readChainsFile(options.chainsFile);
  const policy = signingPolicy(chainConfigs);
  const proofKeys = () => proofKeysOf(keyring);
  const signer = await openSigner({ pool, vault, clock, policy, proofKeys, socket: options.signerSocket });
  closers.add(async () => signer.close());
  const clocks = createEnvironmentClocks(pool, clock);
  await clocks.refresh();
  const ids = createIdSource(clock);
  const { databaseUrl } = options;
  const { nowIn } = clocks;
  const events = laneEvents(metrics, options, onCommit);
  const { guard } = pool;
  const writer = createWriter({ databaseUrl, laneCount, guard, clock, nowIn, ids, vault, publicUrl, events });
  closers.add(() => writer.close());
  const madeKeys = await ensureOrganisation(createDb(pool), writer);
  if (madeKeys) await options.onKeysMade?.(madeKeys);
  await options.onRowsAuthenticated?.();
  return {
    clock,
    pools,
    keyring,
    vault,
    metrics,
    chainConfigs,
    signer,
    clocks,
    ids,
    writer,
    madeKeys,
    publicUrl,
  };
}

function laneEvents(metrics: Metrics, { onFatal }: AppOptions, onCommit: () => void) {
  return {
    onBatch: ({ commands, durationMs }: { commands: number; durationMs: number }) => {
      metrics.batchCommands.observe(commands);
      metrics.batchSeconds.observe(durationMs / 1000);
      onCommit();
    },
    onRetry: (reason: string) => metrics.batchRetries.inc({ reason }),
    onFatal,
  };
}
