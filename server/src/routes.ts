import type { AppOptions } from './app-options.ts';
import { ownAddressesOf } from './chains/destinations.ts';
import type { ChainPort } from './chains/port.ts';
import { type Chain, currenciesOn, type Stablecoin } from './chains/registry.ts';
import type { Core } from './core.ts';
import { createIndexSource } from './custody/indexes.ts';
import type { DepositAddress } from './custody/signer.ts';
import { type ProvenTransfer, proofKeysOf, proveTransfer } from './custody/transfer-proof.ts';
import type { Authenticator } from './http/auth.ts';
import type { Route } from './http/route.ts';
import { routesByKind } from './http/routes-by-kind.ts';
import type { LinkContext } from './identity/links.ts';
import { createLiveCosts } from './onchain/payments/live-costs.ts';
import { type EnvironmentKind, forEachKind } from './platform/environments.ts';
import { limits } from './platform/limits.ts';
import { version } from './platform/version.ts';
import type { EnvironmentRates } from './rates/environments.ts';
import { counterpartyRoutes } from './resources/counterparties/routes.ts';
import { walletRoutes } from './resources/crypto-wallets/routes.ts';
import { customerRoutes } from './resources/customers/routes.ts';
import { eventRoutes } from './resources/events/routes.ts';
import { healthRoutes } from './resources/health/routes.ts';
import { ledgerRoutes } from './resources/ledger/routes.ts';
import { railRoutes } from './resources/rails/routes.ts';
import { rateRoutes } from './resources/rates/routes.ts';
import { referenceRoutes } from './resources/reference/routes.ts';
import { sandboxRoutes } from './resources/sandbox/routes.ts';
import { transactionRoutes } from './resources/transactions/routes.ts';
import { transferRoutes } from './resources/transfers/routes.ts';
import { virtualAccountRoutes } from './resources/virtual-accounts/routes.ts';
import { webhookRoutes } from './resources/webhooks/routes.ts';
import { createDb } from './store/database.ts';
import { deleteKeysOf } from './store/retention.ts';
import { treasuryRoutes } from './treasury/routes.ts';
import type { TargetPolicy } from './webhooks/targets.ts';

/** What routes need beside the core. */
export interface RouteParts {
  readonly rates: EnvironmentRates;
  readonly ports: readonly ChainPort[];
  /** The address on every chain that transfers are sent from. */
  readonly treasuries: readonly DepositAddress[];
  readonly authenticator: Authenticator;
  policyFor(kind: EnvironmentKind): TargetPolicy;
  /** Wakes every worker: what has become due runs immediately. */
  wakeWorkers(): void;
}

/** Makes the routes of the API, for each kind of environment with its own pool. */
export function createRoutes(options: AppOptions, core: Core, parts: RouteParts): Route[] {
  const { clock, clocks, keyring, pools, signer, vault, writer } = core;
  const { policyFor, ports, rates, treasuries } = parts;
  const ownAddresses = ownAddressesOf(treasuries, core.chainConfigs);
  const { nowIn } = clocks;
  const pool = pools.system;
  const randomBucket = (): number => Math.floor(Math.random() * limits.buckets);
  const indexes = createIndexSource(writer, randomBucket);
  const linksIn = (environmentId: string): LinkContext => ({
    vault,
    nowMs: nowIn(environmentId),
    publicUrl: core.publicUrl(),
  });
  const isPayable = (chain: string, currency: string): boolean =>
    ports.some((port) => port.chain === chain && port.token(currency) !== undefined);
  const creditedOn = (kind: EnvironmentKind, chain: Chain): readonly Stablecoin[] => {
    if (kind === 'test') return currenciesOn(chain);
    return ports.find((port) => port.chain === chain)?.config.tokens.map(({ currency }) => currency) ?? [];
  };
  const prove = (transfer: ProvenTransfer): string => proveTransfer(proofKeysOf(keyring)[0], transfer);
  const liveCosts = createLiveCosts(ports, rates.live?.provider);
  const effects = sandboxEffects(options, core, parts);
  const routesOf = (kind: EnvironmentKind): Route[] => {
    const reads = pools.reads[kind];
    const db = createDb(reads);
    return [
      ...healthRoutes({ pool, clock, version }),
      ...customerRoutes({ ...options, db, pool: reads, clock, vault, randomBucket, linksIn }),
      ...walletRoutes({ db, signer, indexes, creditedOn: (chain) => creditedOn(kind, chain) }),
      ...virtualAccountRoutes({ db, vault, signer, indexes, rates: rates.sandbox, clocks }),
      ...counterpartyRoutes({ db, vault }),
      ...transactionRoutes({ db }),
      ...transferRoutes({
        pool: reads,
        liveCosts,
        ...options,
        db,
        clocks,
        ratesFor: rates.providerFor,
        isPayable,
        prove,
        ownAddresses,
      }),
      ...webhookRoutes({ db, pool: reads, vault, randomBucket, policyFor, nowIn }),
      ...referenceRoutes(),
      ...rateRoutes({ clocks, providerFor: rates.providerFor }),
      ...sandboxRoutes({
        ...effects,
        ...options,
        db,
        pool: reads,
        writer,
        rates: rates.sandbox,
        clock,
        clocks,
      }),
      ...railRoutes({ ...options, nowIn }),
      ...treasuryRoutes({ ...options, pool: reads, proofKey: () => proofKeysOf(keyring)[0] }),
      ...ledgerRoutes({ db, kind, pool: reads, signer }),
      ...eventRoutes({ db, pool: reads, vault }),
    ];
  };
  return routesByKind(forEachKind(routesOf));
}

/** What a change of a sandbox's clock or a reset changes outside of the database. */
function sandboxEffects(
  { idempotencyHours }: AppOptions,
  { clocks, pools }: Core,
  { authenticator, wakeWorkers }: RouteParts,
) {
  return {
    onReset: authenticator.forget,
    async onClockMoved(environmentId: string, keptKey: string | undefined) {
      const oldestMs = clocks.nowIn(environmentId) - idempotencyHours * 60 * 60 * 1000;
      await deleteKeysOf(pools.system, environmentId, oldestMs, keptKey);
      wakeWorkers();
    },
  };
}
