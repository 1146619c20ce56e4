import type { Signer } from '../../custody/signer.ts';
import type { SolanaConfig } from '../config.ts';
import { createRpcNode } from '../json-rpc.ts';
import { createNodes, type NodeListener } from '../node-pool.ts';
import type { ChainPort } from '../port.ts';
import { solanaProbe } from './blocks.ts';
import { createSolanaReader } from './reader.ts';
import { createSolanaSender } from './sender.ts';

/** Opens Solana. Nothing is asked of its nodes yet. */
export function createSolanaChain(
  config: SolanaConfig,
  treasury: string,
  signer: Pick<Signer, 'sign'>,
  listen: NodeListener,
): ChainPort {
  const nodes = createNodes(
    config.rpcUrls.map(createRpcNode),
    solanaProbe,
    config.networkId,
    config.agreement,
    listen,
  );
  return {
    chain: config.chain,
    config,
    nativeUnit: 10n ** 9n,
    reader: createSolanaReader(config, nodes),
    sender: createSolanaSender(config, nodes, treasury, signer),
    nodes: () => nodes.standings(),
    token: (currency) => config.tokens.find((token) => token.currency === currency),
    comparable: (address) => address,
    close: () => nodes.close(),
  };
}
