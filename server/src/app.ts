import { fileURLToPath } from 'node:url';
import type { FastifyInstance } from 'fastify';
import type { AppOptions } from './app-options.ts';
import type { MadeKeys } from './bootstrap.ts';
import { type Core, openCore } from './core.ts';
import type { DepositAddress } from './custody/signer.ts';
import { addHostedPages } from './hosted/plugin.ts';
import { loadTermsOfService } from './hosted/terms-of-service.ts';
import { createByteBudget } from './hosted/upload-limits.ts';
import type { UploadResources } from './hosted/visit.ts';
import { createAdminServer } from './http/admin.ts';
import { createAuthenticator } from './http/auth.ts';
import { createEnvironmentBudgets } from './http/environment-budgets.ts';
import { listenForAdmin, listenOn } from './http/listen.ts';
import type { Route } from './http/route.ts';
import { addSecurityText } from './http/security-text.ts';
import { createHttpServer, type HttpOptions } from './http/server.ts';
import { addDocuments } from './http/system.ts';
import { openChains } from './onchain/workers.ts';
import { type Closers, createClosers } from './platform/closers.ts';
import type { EnvironmentKind } from './platform/environments.ts';
import { limits } from './platform/limits.ts';
import { createRates } from './rates/environments.ts';
import { findActiveKeys } from './resources/api-keys/queries.ts';
import { describedEvents } from './resources/events/catalogue.ts';
import { createEventStreams } from './resources/events/streams-worker.ts';
import { velocityOf } from './resources/transfers/queries.ts';
import { createRoutes } from './routes.ts';
import { createRuleScreener, noRules, readRulesFile } from './screening/rules.ts';
import { createPool, type Pool } from './store/pool.ts';
import { keepPublicUrl } from './store/public-url.ts';
import type { TargetPolicy } from './webhooks/targets.ts';
import { startWorkers, type Workers } from './workers.ts';
import type { Writer } from './writer/writer.ts';

/** A running server, without its database. */
export interface App {
  /** The URL it listens on, e.g. `http://127.0.0.1:4000`. */
  readonly url: string;
  /** The URL of probes and metrics; undefined if they are off. */
  readonly adminUrl: string | undefined;
  readonly pool: Pool;
  readonly writer: Writer;
  /** The address on every chain that transfers are sent from and that the operator funds. */
  readonly treasuries: readonly DepositAddress[];
  /** The keys, if this start created the organisation. */
  readonly madeKeys: MadeKeys | undefined;
  /** Finishes requests under way, commits accepted commands, and closes every connection. */
  stop(): Promise<void>;
}

const defaultTerms = fileURLToPath(new URL('../data/terms/2026-11-01.md', import.meta.url));
const docsFiles = {
  guides: fileURLToPath(new URL('../../docs/guides', import.meta.url)),
  referenceBundle: fileURLToPath(new URL('../dist/reference.js', import.meta.url)),
};

/**
 * Assembles the server and starts it.
 *
 * @throws ConfigError if a setting does not fit the database; any other error if the port or the database is unavailable
 */
export async function startApp(options: AppOptions): Promise<App> {
  const closers = createClosers();
  try {
    return await start(options, closers);
  } catch (error) {
    await closers.close();
    throw error;
  }
}

async function start(options: AppOptions, closers: Closers): Promise<App> {
  // Set once the server listens, and once the workers run: earlier parts call them later.
  let url = '';
  let workers: Workers | undefined;
  const publicUrl = (): string => options.publicUrl ?? url;
  const core = await openCore(options, closers, { publicUrl, onCommit: () => workers?.fanOut.wake() });
  const { clock, metrics, pools, signer, vault, writer } = core;
  const pool = pools.system;
  const { logger } = options;
  const rates = createRates(options, clock);
  closers.add(async () => rates.live?.close());
  const rules = options.screeningFile === undefined ? noRules : readRulesFile(options.screeningFile);
  const screener = createRuleScreener(rules, (subject, hours) => velocityOf(pool, subject, hours));
  const chainsDeps = { pool, writer, logger, metrics, rates: rates.live?.provider, signer, screener };
  const ports = await openChains(core.chainConfigs, chainsDeps);
  closers.add(() => Promise.all(ports.map((port) => port.close())));
  const authenticator = createAuthenticator(clock, (prefixes) => findActiveKeys(pools.keys, prefixes));
  const policyFor = targetPolicies(options.loopbackWebhooks);
  const wakeWorkers = (): void => {
    for (const worker of workers?.all ?? []) worker.wake();
  };
  const treasuries = await signer.treasuryAddresses();
  const parts = { rates, ports, treasuries, authenticator, policyFor, wakeWorkers };
  const routes = createRoutes(options, core, parts);
  const budgets = createEnvironmentBudgets();
  const streams = createEventStreams({ pool, pools: pools.reads, vault, budgets, logger });
  const http = createHttp(options, core, { routes, streams: [streams.route], authenticator, budgets });
  addPages(http, options, core, routes, closers);
  workers = startWorkers(options, core, { rates, ports, chainsDeps, budgets, policyFor }, closers);
  // A server that closes waits for its connections, streams included.
  closers.add(() => streams.stop().then(() => http.close()));
  url = await listenOn(http, options.host, options.port);
  const isReady = async (): Promise<boolean> => (await pool.query('select 1')).rowCount === 1;
  const admin = createAdminServer({ metrics, isReady });
  closers.add(() => admin.close());
  const adminUrl = await listenForAdmin(admin, options);
  await keepPublicUrl(pool, publicUrl(), clock);
  return { url, adminUrl, pool, writer, treasuries, madeKeys: core.madeKeys, stop: closers.close };
}

function createHttp(
  options: AppOptions,
  core: Core,
  parts: Pick<HttpOptions, 'routes' | 'streams' | 'authenticator' | 'budgets'>,
): FastifyInstance {
  const { clock, ids, metrics, publicUrl, writer } = core;
  return createHttpServer({ ...options, ...parts, writer, clock, ids, metrics, publicUrl });
}

/** Adds what is not part of the API: documents, security.txt and the hosted pages. */
function addPages(
  http: FastifyInstance,
  options: AppOptions,
  core: Core,
  routes: readonly Route[],
  closers: Closers,
): void {
  const { clock, clocks, ids, pools, publicUrl, vault, writer } = core;
  addDocuments(http, {
    ...options,
    routes,
    events: describedEvents,
    docsFiles,
    clock,
    publicUrl,
  });
  addSecurityText(http, { contact: options.securityContact, clock, publicUrl });
  const uploads = createUploadResources(options.databaseUrl);
  closers.add(() => uploads.pool.end());
  addHostedPages(http, {
    ...options,
    pool: pools.system,
    writer,
    vault,
    ids,
    clock,
    nowIn: clocks.nowIn,
    publicUrl,
    terms: loadTermsOfService(options.termsFile ?? defaultTerms),
    supportContact: options.supportContact,
    uploads,
  });
}

/** Uploads have their own connections, so that reads do not wait for large documents. */
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

/** Live webhooks must be https URLs of public addresses (contract §4, Webhooks). */
function targetPolicies(loopback: boolean): (kind: EnvironmentKind) => TargetPolicy {
  const policies = {
    test: { allowHttp: loopback, allowLoopback: loopback },
    live: { allowHttp: false, allowLoopback: false },
  };
  return (kind) => policies[kind];
}
