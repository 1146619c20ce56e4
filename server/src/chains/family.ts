import type { ChainConfig } from './config.ts';
import type { Node } from './node.ts';
import type { NodeListener } from './node-health.ts';
import { createNodePool, type NodePool, type NodeProbe } from './node-pool.ts';
import type { Block, ChainOutflows, ChainPort, ChainReader, ChainSender } from './port.ts';
import { nativeScale } from './registry.ts';
import type { TransactionSigner } from './signing.ts';

/** What distinguishes a family of chains from the others. */
export interface Family<Config extends ChainConfig, Head extends Block> {
  readonly probe: NodeProbe<Head>;
  createNode(url: string): Node;
  createReader(config: Config, nodes: NodePool<Head>): ChainReader;
  createSender(
    config: Config,
    nodes: NodePool<Head>,
    treasury: string,
    signer: TransactionSigner,
  ): ChainSender;
  createOutflows(config: Config, nodes: NodePool<Head>): ChainOutflows;
  /** Converts an address from the registry's form to the one that the chain's transfers have. */
  comparable(address: string): string;
}

/**
 * Opens a chain of a family; sends nothing to its nodes yet.
 *
 * @param treasury the address that pays out, in the registry's form
 */
export function createChainPort<Config extends ChainConfig, Head extends Block>(
  family: Family<Config, Head>,
  config: Config,
  treasury: string,
  signer: TransactionSigner,
  listen: NodeListener,
): ChainPort {
  const nodes = createNodePool(config.rpcUrls.map(family.createNode), family.probe, config, listen);
  return {
    chain: config.chain,
    config,
    nativeUnit: 10n ** BigInt(nativeScale[config.family]),
    reader: family.createReader(config, nodes),
    sender: family.createSender(config, nodes, treasury, signer),
    outflows: family.createOutflows(config, nodes),
    nodes: () => nodes.statuses(),
    token: (currency) => config.tokens.find((token) => token.currency === currency),
    comparable: family.comparable,
    close: () => nodes.close(),
  };
}
