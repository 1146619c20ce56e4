import { fileURLToPath } from 'node:url';
import { ensureOrganisation, type MadeKeys } from './bootstrap.ts';
import { readChainsFile } from './chains/config.ts';
import { createIndexSource } from './custody/indexes.ts';
import { openSigner } from './custody/open-signer.ts';
import type { DepositAddress } from './custody/signer.ts';
import { signingPolicy } from './custody/signing-policy.ts';
import { type ProvenTransfer, proofKeysOf, proveTransfer } from './custody/transfer-proof.ts';
import { addHostedPages } from './hosted/plugin.ts';
import { readTerms } from './hosted/terms-of-service.ts';
import { createByteBudget } from './hosted/upload-limits.ts';
import type { UploadResources } from './hosted/visit.ts';
import { createAdminServer } from './http/admin.ts';
import { createAuthenticator } from './http/auth.ts';
import { createEnvironmentBudgets } from './http/environment-budgets.ts';
import { listenForAdmin, listenOn } from './http/listen.ts';
import type { Route } from './http/route.ts';
import { routesByKind } from './http/routes-by-kind.ts';
import { addSecurityText } from './http/security-text.ts';
import { createHttpServer } from './http/server.ts';
import { addDocuments } from './http/system.ts';
import { sandboxNames } from './identity/state.ts';
import type { LinkContext } from './identity/links.ts';
import { openChains, startChains } from './onchain/workers.ts';
import { type Clock, systemClock } from './platform/clock.ts';
import type { ConnectionsSetting, RateLimitSetting } from './platform/config.ts';
import { type EnvironmentKind, forEachKind } from './platform/environments.ts';
import { createIdSource } from './platform/ids.ts';
import { createKeyring, type Keyring } from './platform/keyring.ts';
import { limits } from './platform/limits.ts';
import type { Logger } from './platform/logger.ts';
import { createMetrics, type Metrics } from './platform/metrics.ts';
import type { Ratio } from './platform/money.ts';
import { createVault } from './platform/seal.ts';
import { version } from './platform/version.ts';
import type { Worker } from './platform/worker-loop.ts';
import { createRates, type RateSettings } from './rates/environments.ts';
import { startRates } from './rates/worker.ts';
import { findActiveKeys } from './resources/api-keys/queries.ts';
import { counterpartyRoutes } from './resources/counterparties/routes.ts';
import { walletRoutes } from './resources/crypto-wallets/routes.ts';
import { customerRoutes } from './resources/customers/routes.ts';
import { describedEvents } from './resources/events/catalogue.ts';
import { eventRoutes } from './resources/events/routes.ts';
import { createEventStreams } from './resources/events/streams-worker.ts';
import { healthRoutes } from './resources/health/routes.ts';
import { ledgerRoutes } from './resources/ledger/routes.ts';
import { railRoutes } from './resources/rails/routes.ts';
import { rateRoutes } from './resources/rates/routes.ts';
import { referenceRoutes } from './resources/reference/routes.ts';
import { sandboxRoutes } from './resources/sandbox/routes.ts';
import { transactionRoutes } from './resources/transactions/routes.ts';
import { sandboxValues } from './simulator/test-values.ts';
import { velocityOf } from './resources/transfers/queries.ts';
import { transferRoutes } from './resources/transfers/routes.ts';
import { virtualAccountRoutes } from './resources/virtual-accounts/routes.ts';
import { webhookRoutes } from './resources/webhooks/routes.ts';
import { createRowAlarm } from './row-alarm.ts';
import { createRuleScreener, noRules, readRulesFile } from './screening/rules.ts';
import { startErasures } from './sealing/erasures-worker.ts';
import { startSettlement } from './simulator/worker.ts';
import { requireAuthenticatedRows } from './store/authenticate-rows.ts';
import { startClocks } from './store/clocks-worker.ts';
import { createCustomerSalts } from './store/customer-salts.ts';
import { createDb } from './store/database.ts';
import { createEnvironmentClocks } from './store/environment-clocks.ts';
import { createPool, type Pool } from './store/pool.ts';
import { createPools } from './store/pools.ts';
import { keepPublicUrl } from './store/public-url.ts';
import { startSweep, sweepKeysOf } from './store/retention.ts';
import { prepareSchema } from './store/roles.ts';
import { createRowGuard } from './store/row-guard.ts';
import { createDeliveryAgent } from './webhooks/connector.ts';
import { startDeliveries } from './webhooks/deliveries-worker.ts';
import { startFanOut } from './webhooks/fan-out-worker.ts';
import { createSender } from './webhooks/send.ts';
import type { TargetPolicy } from './webhooks/targets.ts';
import { prepareLanes } from './writer/lanes.ts';
import { createWriter, type Writer } from './writer/writer.ts';

export interface AppOptions extends RateSettings {
  /** As the role that serves. */
  readonly databaseUrl: string;
  /** The same database as the role that owns it; undefined when the role that serves does, or nothing is to be migrated. */
  readonly migrationUrl: string | undefined;
  readonly masterKey: Uint8Array | Keyring;
  readonly logger: Logger;
  readonly host: string;
  readonly port: number;
  readonly adminHost: string;
  /** Where probes and metrics are; a usual one, or any that is free, when undefined. */
  readonly adminPort: number | 'off' | undefined;
  readonly publicUrl: string | undefined;
  readonly rateLimit: RateLimitSetting | undefined;
  readonly connections: ConnectionsSetting;
  readonly lanes: number | undefined;
  readonly sandboxStepMs: number;
  readonly onChainFee: Ratio;
  readonly fiatFee: Ratio;
  readonly ratesRefreshMs: number;
  readonly idempotencyHours: number;
  /** For how long data of live customers is kept after their last transaction. */
  readonly retentionYears: number;
  /** Proxies whose `X-Forwarded-For` is believed. */
  readonly trustProxy: string[] | undefined;
  /** The terms that customers accept; our own when undefined. */
  readonly termsFile: string | undefined;
  /** Whom customers ask about their links; the company that sent them, when undefined. */
  readonly supportContact?: string | undefined;
  /** The socket of a signer that runs apart; this process signs when undefined. */
  readonly signerSocket: string | undefined;
  /** The chains that live keys are served on; none when undefined. */
  readonly chainsFile: string | undefined;
  /** The rules that transfers on them are screened by; all pass when undefined. */
  readonly screeningFile: string | undefined;
  /** Sandbox webhooks may be plain http and reach this machine. */
  readonly loopbackWebhooks: boolean;
  /** Whom `/.well-known/security.txt` names; there is none when undefined. */
  readonly securityContact: string | undefined;
  readonly clock?: Clock;
  /**
   * Rows from before rows were authenticated: `bless` gives them their codes, once. `refuse` does not start on them.
   */
  readonly rowsFromBefore: 'bless' | 'refuse';
  /** All rows that give rights have their codes: from now on one without is not ours. */
  onRowsAuthenticated?(): Promise<void>;
  /** Keeps the keys of a new organisation, before anything else can fail. */
  onKeysMade?(keys: MadeKeys): Promise<void>;
  /** The server can never go on (another lane count was set): end the process. */
  onFatal(error: Error): void;
}

/** A running server, its database apart. */
export interface App {
  /** Where it listens, e.g. `http://127.0.0.1:4000`. */
  readonly url: string;
  /** Where probes and metrics are; undefined when that is off. */
  readonly adminUrl: string | undefined;
  readonly pool: Pool;
  readonly writer: Writer;
  /** Where transfers are sent from, and what has to be funded, on every chain. */
  readonly treasuries: readonly DepositAddress[];
  /** The keys, when this start made the organisation. */
  readonly madeKeys: MadeKeys | undefined;
  /** In-flight requests finish, what was accepted is committed, connections are closed. */
  stop(): Promise<void>;
}

const oneRole =
  'the role of DATABASE_URL owns the tables, and can undo what protects them; for live money set OPENLEDGER_MIGRATION_URL';
const ownTerms = fileURLToPath(new URL('../data/terms/2026-11-01.md', import.meta.url));
const migrationsFolder = fileURLToPath(new URL('../migrations', import.meta.url));

/**
 * Puts the server together and starts it: this is the one place where the parts meet.
 *
 * @throws ConfigError when a setting does not fit the database; any other error when the port or database cannot be had
 */
export async function startApp(options: AppOptions): Promise<App> {
  const clock = options.clock ?? systemClock;
  const pools = createPools(options.databaseUrl);
  const pool = pools.system;
  const opened: (() => Promise<unknown>)[] = [() => pools.end()];
  const close = async (): Promise<void> => {
    for (const end of opened.splice(0).reverse()) await end();
  };
  try {
    const { isOneRole } = await prepareSchema(pool, options.migrationUrl, migrationsFolder);
    if (isOneRole) options.logger.warn(oneRole);
    const laneCount = await prepareLanes(pool, options.lanes);
    const { masterKey } = options;
    const keyring = masterKey instanceof Uint8Array ? createKeyring([masterKey]) : masterKey;
    const vault = createVault(keyring).withSalts(createCustomerSalts(pool));
    const metrics = createMetrics(() => writer.queued());
    pools.guard(createRowGuard(vault, createRowAlarm(options.logger, metrics, clock)));
    await requireAuthenticatedRows(pool, options.rowsFromBefore);
    const chainConfigs = options.chainsFile === undefined ? [] : readChainsFile(options.chainsFile);
    const policy = signingPolicy(chainConfigs);
    const proofKeys = () => proofKeysOf(keyring);
    const signer = await openSigner({ pool, vault, clock, policy, proofKeys, socket: options.signerSocket });
    opened.push(async () => signer.close());
    const clocks = createEnvironmentClocks(pool, clock);
    await clocks.refresh();
    const ids = createIdSource(clock);
    let url = '';
    const publicUrl = (): string => options.publicUrl ?? url;
    const workers: Worker[] = [];
    let fanOut: Worker | undefined;
    const writer = createWriter({
      databaseUrl: options.databaseUrl,
      laneCount,
      guard: pool.guard,
      clock,
      nowIn: clocks.nowIn,
      ids,
      vault,
      publicUrl,
      events: laneEvents(metrics, options, () => fanOut?.wake()),
    });
    opened.push(() => writer.close());
    const db = createDb(pool);
    const madeKeys = await ensureOrganisation(db, writer);
    if (madeKeys) await options.onKeysMade?.(madeKeys);
    await options.onRowsAuthenticated?.();

    const authenticator = createAuthenticator(clock, (prefixes) => findActiveKeys(pools.keys, prefixes));
    const sandboxEffects = {
      onReset: authenticator.forget,
      async onClockMoved(environmentId: string, keptKey: string | undefined) {
        const oldestMs = clocks.nowIn(environmentId) - options.idempotencyHours * 60 * 60 * 1000;
        await sweepKeysOf(pool, environmentId, oldestMs, keptKey);
        for (const worker of workers) worker.wake();
      },
    };
    const randomBucket = (): number => Math.floor(Math.random() * limits.buckets);
    const indexes = createIndexSource(writer, randomBucket);
    const rates = createRates(options, clock);
    opened.push(async () => rates.live?.close());
    const policyFor = targetPolicies(options.loopbackWebhooks);
    const linksIn = (environmentId: string): LinkContext => ({
      vault,
      nowMs: clocks.nowIn(environmentId),
      publicUrl: publicUrl(),
    });
    const { logger } = options;
    const rules = options.screeningFile === undefined ? noRules : readRulesFile(options.screeningFile);
    const screener = createRuleScreener(rules, (subject, hours) => velocityOf(pool, subject, hours));
    const chainsDeps = { pool, writer, logger, metrics, rates: rates.live?.provider, signer, screener };
    const ports = await openChains(chainConfigs, chainsDeps);
    opened.push(() => Promise.all(ports.map((port) => port.close())));
    const isPayable = (chain: string, currency: string): boolean =>
      ports.some((port) => port.chain === chain && port.token(currency) !== undefined);
    const prove = (transfer: ProvenTransfer): string => proveTransfer(proofKeys()[0], transfer);
    const routesOf = (kind: EnvironmentKind): Route[] => {
      const reads = pools.reads[kind];
      const db = createDb(reads);
      return [
        ...healthRoutes({ pool, clock, version }),
        ...customerRoutes({ ...options, db, pool: reads, vault, randomBucket, linksIn }),
        ...walletRoutes({ db, signer, indexes }),
        ...virtualAccountRoutes({ db, vault, signer, indexes, rates: rates.sandbox, clocks }),
        ...counterpartyRoutes({ db, vault }),
        ...transactionRoutes({ db }),
        ...transferRoutes({ ...options, db, clocks, ratesFor: rates.providerFor, isPayable, prove }),
        ...webhookRoutes({ db, pool: reads, vault, randomBucket, policyFor, nowIn: clocks.nowIn }),
        ...referenceRoutes(),
        ...rateRoutes({ clocks, providerFor: rates.providerFor }),
        ...sandboxRoutes({ ...sandboxEffects, ...options, db, rates: rates.sandbox, clock, clocks }),
        ...railRoutes({ ...options, nowIn: clocks.nowIn }),
        ...ledgerRoutes({ db, kind, pool: reads, signer }),
        ...eventRoutes({ db, pool: reads, vault }),
      ];
    };
    const routes = routesByKind(forEachKind(routesOf));
    const budgets = createEnvironmentBudgets();
    const streams = createEventStreams({ pool, pools: pools.reads, vault, budgets, logger: options.logger });
    const http = createHttpServer({
      ...options,
      routes,
      streams: [streams.route],
      writer,
      authenticator,
      budgets,
      clock,
      ids,
      metrics,
      publicUrl,
    });
    const isReady = async (): Promise<boolean> => (await pool.query('select 1')).rowCount === 1;
    addDocuments(http, {
      ...options,
      routes,
      events: describedEvents,
      sandboxValues: [...sandboxNames, ...sandboxValues],
      clock,
      publicUrl,
    });
    addSecurityText(http, { contact: options.securityContact, clock, publicUrl });
    const terms = readTerms(options.termsFile ?? ownTerms);
    const { nowIn } = clocks;
    const uploads = createUploadResources(options.databaseUrl);
    opened.push(() => uploads.pool.end());
    const { supportContact } = options;
    const hosted = { pool, writer, vault, ids, clock, nowIn, publicUrl, terms, supportContact, uploads };
    addHostedPages(http, { ...options, ...hosted });

    const agents = {
      test: createDeliveryAgent(policyFor('test')),
      live: createDeliveryAgent(policyFor('live')),
    };
    opened.push(() => Promise.all([agents.test.destroy(), agents.live.destroy()]));
    const senders = { test: createSender(agents.test), live: createSender(agents.live) };
    const common = { pool, clock, clocks, logger: options.logger };
    const senderFor = (kind: 'test' | 'live') => senders[kind];
    const deliveries = startDeliveries({ ...common, writer, ids, vault, metrics, nowIn, senderFor, budgets });
    fanOut = startFanOut({ ...common, onQueued: deliveries.wake });
    workers.push(
      startClocks(common),
      startSettlement({ ...common, writer, rates: rates.sandbox, stepMs: options.sandboxStepMs }),
      fanOut,
      deliveries,
      startErasures(common),
      startSweep({ ...common, idempotencyHours: options.idempotencyHours }),
      ...startChains(ports, chainsDeps),
    );
    if (rates.live) {
      const { ratesRefreshMs: refreshMs } = options;
      workers.push(startRates({ rates: rates.live, logger: options.logger, metrics, refreshMs }));
    }
    opened.push(() => Promise.all(workers.map((worker) => worker.stop())));
    // A server that closes waits for its connections, streams among them.
    opened.push(() => streams.stop().then(() => http.close()));
    url = await listenOn(http, options.host, options.port);
    const admin = createAdminServer({ metrics, isReady });
    opened.push(() => admin.close());
    const adminUrl = await listenForAdmin(admin, options);
    await keepPublicUrl(pool, publicUrl(), clock);
    const treasuries = await signer.treasuryAddresses();
    return { url, adminUrl, pool, writer, treasuries, madeKeys, stop: close };
  } catch (error) {
    await close();
    throw error;
  }
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

/** Documents have connections of their own: reads do not wait for megabytes. */
function createUploadResources(databaseUrl: string): UploadResources {
  return {
    pool: createPool(databaseUrl, 'openledger uploads', { max: limits.uploadConnections }),
    budgets: {
      test: createByteBudget(limits.uploadBudgetBytes),
      live: createByteBudget(limits.uploadBudgetBytes),
    },
    cases: new Set(),
  };
}

/** Live webhooks are https to public addresses, always (contract §4, Webhooks). */
function targetPolicies(loopback: boolean): (kind: 'test' | 'live') => TargetPolicy {
  const policies = {
    test: { allowHttp: loopback, allowLoopback: loopback },
    live: { allowHttp: false, allowLoopback: false },
  };
  return (kind) => policies[kind];
}
