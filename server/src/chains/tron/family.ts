import type { Signer } from '../../custody/signer.ts';
import type { TronConfig } from '../config.ts';
import { createNodes, type NodeListener } from '../node-pool.ts';
import type { ChainPort } from '../port.ts';
import { tronProbe } from './blocks.ts';
import { createTronNode } from './node.ts';
import { createTronReader } from './reader.ts';
import { createTronSender } from './sender.ts';

/** Opens Tron. Nothing is asked of its nodes yet. */
export function createTronChain(
  config: TronConfig,
  treasury: string,
  signer: Pick<Signer, 'sign'>,
  listen: NodeListener,
): ChainPort {
  const nodes = createNodes(
    config.rpcUrls.map(createTronNode),
    tronProbe,
    config.networkId,
    config.agreement,
    listen,
  );
  return {
    chain: config.chain,
    config,
    nativeUnit: 10n ** 6n,
    reader: createTronReader(config, nodes),
    sender: createTronSender(config, nodes, treasury, signer),
    nodes: () => nodes.standings(),
    token: (currency) => config.tokens.find((token) => token.currency === currency),
    comparable: (address) => address,
    close: () => nodes.close(),
  };
}
