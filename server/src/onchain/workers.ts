import { randomUUID } from 'node:crypto';
import type { ChainConfig } from '../chains/config.ts';
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
import { expectNetworks } from './cursor.ts';
import { createAddressBook } from './deposits/watched-addresses.ts';
import { startChainWatch } from './deposits/worker.ts';
import { startChainPay } from './payments/worker.ts';
import { startChainReconcile } from './reconciliation/worker.ts';

export interface ChainsDeps {
  readonly pool: Pool;
  readonly writer: Writer;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** For live keys; undefined when no source is set. */
  readonly rates: RateProvider | undefined;
  readonly signer: Signer;
  readonly screener: Screener;
}

/**
 * Opens the chains that are configured. Nothing is asked of their nodes yet.
 *
 * @throws ConfigError when the database has followed other networks
 */
export async function openChains(configs: readonly ChainConfig[], deps: ChainsDeps): Promise<ChainPort[]> {
  const { logger, metrics, pool, signer } = deps;
  if (configs.length === 0) return [];
  await expectNetworks(pool, configs);
  const treasuries = await signer.treasuryAddresses();
  return configs.map((config) => {
    const { chain } = config;
    const treasury = treasuries.find((known) => known.chain === chain)?.address ?? '';
    logger.info({ chain, treasury, network: config.networkId }, 'a chain is configured');
    return openChain(config, treasury, signer, (node, fault) => {
      metrics.chainNodeUp.set({ chain, node }, fault === undefined ? 1 : 0);
      if (fault === undefined) logger.info({ chain, node }, 'the node is of use');
      else logger.warn({ chain, node, fault }, 'the node is of no use now');
    });
  });
}

/** Starts what follows each chain, and what sends on it. */
export function startChains(ports: readonly ChainPort[], deps: ChainsDeps): Worker[] {
  const holder = randomUUID();
  return ports.flatMap((port) => {
    const book = createAddressBook(deps.pool, port.chain, port.comparable, [port.sender.treasury]);
    return [
      startChainWatch({ ...deps, port, book, holder }),
      startChainPay({ ...deps, port, holder }),
      startChainReconcile({ ...deps, port, holder }),
    ];
  });
}
