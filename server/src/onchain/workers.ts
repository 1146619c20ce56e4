import { randomUUID } from 'node:crypto';
import { type ChainConfig, majorityOf } from '../chains/config.ts';
import { openChain } from '../chains/families.ts';
import type { ChainPort } from '../chains/port.ts';
import type { Signer } from '../custody/signer.ts';
import type { Logger } from '../platform/logger.ts';
import type { Metrics } from '../platform/metrics.ts';
import type { Worker } from '../platform/worker-loop.ts';
import type { RateProvider } from '../rates/provider.ts';
import type { Screener } from '../screening/port.ts';
import type { Pool } from '../store/pool.ts';
import type { Writer } from '../writer/writer.ts';
import { requireNetworks, requireStartBlocks } from './cursor.ts';
import { createAddressBook } from './deposits/watched-addresses.ts';
import { startDepositWorker } from './deposits/worker.ts';
import { createSigningGate, guardSigning } from './holds/gate.ts';
import { startPaymentWorker } from './payments/worker.ts';
import { startReconciliationWorker } from './reconciliation/worker.ts';
import { startRescanWorker } from './rescans/worker.ts';
import { startSweepWorker } from './sweeps/worker.ts';

export interface ChainsDeps {
  readonly pool: Pool;
  readonly writer: Writer;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Rates for live keys; undefined if no source is configured. */
  readonly rates: RateProvider | undefined;
  readonly signer: Signer;
  readonly screener: Screener;
}

/**
 * Opens the configured chains; sends nothing to their nodes yet.
 *
 * @throws ConfigError if the database has followed other networks, or if an added chain must say where it starts
 */
export async function openChains(configs: readonly ChainConfig[], deps: ChainsDeps): Promise<ChainPort[]> {
  const { logger, metrics, pool, signer } = deps;
  if (configs.length === 0) return [];
  await requireNetworks(pool, configs);
  await requireStartBlocks(pool, configs);
  const treasuries = await signer.treasuryAddresses();
  return configs.map((config) => {
    const { chain } = config;
    const treasury = treasuries.find((known) => known.chain === chain)?.address ?? '';
    logger.info({ chain, treasury, network: config.networkId }, 'a chain is configured');
    warnOfFewNodes(config, logger);
    return openChain(config, treasury, signer, (node, fault) => {
      metrics.chainNodeUp.set({ chain, node }, fault === undefined ? 1 : 0);
      if (fault === undefined) logger.info({ chain, node }, 'the node is healthy');
      else logger.warn({ chain, node, fault }, 'the node is unhealthy');
    });
  });
}

/** Money moves on the word of fewer nodes than a majority: a node that is wrong is believed. */
function warnOfFewNodes({ agreement, chain, rpcUrls }: ChainConfig, logger: Logger): void {
  if (agreement >= majorityOf(rpcUrls.length) && agreement > 1) return;
  logger.warn(
    { chain, agreement, nodes: rpcUrls.length },
    'money moves on the word of too few nodes; configure several under rpc, of different providers',
  );
}

/** Starts the workers of each chain. */
export function startChains(ports: readonly ChainPort[], deps: ChainsDeps): Worker[] {
  const leaseOwner = randomUUID();
  return ports.flatMap((port) => {
    const { treasury } = port.sender;
    const book = createAddressBook(deps.pool, port.chain, port.comparable, [treasury], treasury);
    const gate = createSigningGate({ ...deps, port, leaseOwner });
    const guarded = guardSigning(port, gate);
    return [
      startDepositWorker({ ...deps, port, book, leaseOwner }),
      startRescanWorker({ ...deps, port, book, leaseOwner }),
      startPaymentWorker({ ...deps, port: guarded, gate, leaseOwner }),
      startSweepWorker({ ...deps, port: guarded, gate, leaseOwner }),
      startReconciliationWorker({ ...deps, port, leaseOwner }),
    ];
  });
}
