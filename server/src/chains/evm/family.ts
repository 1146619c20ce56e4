import type { Signer } from '../../custody/signer.ts';
import type { EvmConfig } from '../config.ts';
import { createRpcNode } from '../json-rpc.ts';
import { createNodes, type NodeListener } from '../node-pool.ts';
import type { ChainPort } from '../port.ts';
import { evmProbe } from './blocks.ts';
import { createEvmReader } from './reader.ts';
import { createEvmSender } from './sender.ts';

/** Opens an EVM chain. Nothing is asked of its nodes yet. */
export function createEvmChain(
  config: EvmConfig,
  treasury: string,
  signer: Pick<Signer, 'sign' | 'signAuthorization'>,
  listen: NodeListener,
): ChainPort {
  const nodes = createNodes(
    config.rpcUrls.map(createRpcNode),
    evmProbe,
    config.networkId,
    config.agreement,
    listen,
  );
  return {
    chain: config.chain,
    config,
    nativeUnit: 10n ** 18n,
    reader: createEvmReader(config, nodes),
    sender: createEvmSender(config, nodes, treasury, signer),
    nodes: () => nodes.standings(),
    token: (currency) => config.tokens.find((token) => token.currency === currency),
    comparable: (address) => address.toLowerCase(),
    close: () => nodes.close(),
  };
}
