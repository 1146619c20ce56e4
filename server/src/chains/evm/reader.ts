import { limits } from '../../platform/limits.ts';
import type { EvmConfig } from '../config.ts';
import { type Node, RpcError } from '../node.ts';
import { ChainError, type ChainReader, type SeenTransfer, type WatchedAddresses } from '../port.ts';
import { header, quantity, logs as readLogs, receipt, word } from './answers.ts';
import { blockIdOf, type EvmNodes, toBlock } from './blocks.ts';
import { addressTopic, balanceOfData, decimalsData, transferTopic } from './erc20.ts';
import { fetchLogs } from './logs.ts';
import { readTransfers, type TokensByAddress } from './transfers.ts';

const tokenDecimals = 6n;

/** Reads an EVM chain. */
export function createEvmReader(config: EvmConfig, nodes: EvmNodes): ChainReader {
  const tokens: TokensByAddress = new Map(config.tokens.map((token) => [token.address.toLowerCase(), token]));
  let isChecked = false;

  /** A token with other decimals would be credited a million times too much or too little. */
  const checkTokens = async (): Promise<void> => {
    for (const { address, currency } of config.tokens) {
      const decimals = await nodes.call('eth_call', [{ to: address, data: decimalsData }, 'latest'], word);
      if (decimals === tokenDecimals) continue;
      throw new ChainError(`The contract configured for ${currency} has ${decimals} decimals, not 6.`);
    }
    isChecked = true;
  };

  const scanAt = async (
    node: Node,
    from: number,
    to: number,
    watched: WatchedAddresses,
  ): Promise<SeenTransfer[]> => {
    const filters = filtersFor(config, tokens, watched);
    const found = [];
    for (const filter of filters) found.push(...(await fetchLogs(node, filter, from, to)));
    return readTransfers(found, { from, to }, watched, tokens);
  };

  return {
    async head() {
      const head = await nodes.choose();
      if (!isChecked) await checkTokens();
      return toBlock(head);
    },
    blockId: (height) => blockIdOf(nodes, height),
    async scan(from, to, watched, final) {
      const asked = nodes.usable().slice(0, final ? config.agreement : 1);
      if (final && asked.length < config.agreement) {
        throw new ChainError(`Only ${asked.length} of ${config.agreement} nodes that must agree answer.`);
      }
      const answers = await Promise.all(asked.map((node) => scanAt(node, from, to, watched)));
      const [first = [], ...others] = answers;
      if (others.some((other) => fingerprint(other) !== fingerprint(first))) {
        throw new ChainError(`The nodes disagree about the blocks ${from} to ${to}.`);
      }
      return first;
    },
    received: (transfers) => measureReceived(nodes, transfers),
    async minedIn(txHash) {
      for (const node of nodes.usable()) {
        const found = await node.call('eth_getTransactionReceipt', [txHash], receipt);
        if (found && (await blockIdOf(node, found.block.height)) === found.block.id) return found.block;
      }
      return undefined;
    },
    async tokenBalances(currency, addresses, height) {
      const token = config.tokens.find((known) => known.currency === currency);
      if (!token) throw new ChainError(`There is no ${currency} configured.`);
      const at = height === undefined ? 'latest' : `0x${height.toString(16)}`;
      const balanceOf = (address: string): Promise<bigint> =>
        nodes.call('eth_call', [{ to: token.address, data: balanceOfData(address) }, at], word);
      const balances: bigint[] = [];
      for (let from = 0; from < addresses.length; from += limits.balancesAtOnce) {
        const some = addresses.slice(from, from + limits.balancesAtOnce);
        balances.push(...(await Promise.all(some.map(balanceOf))));
      }
      return balances;
    },
    nativeBalance: (address) => nodes.call('eth_getBalance', [address, 'latest'], quantity),
  };
}

/**
 * Few addresses are given to the node to choose by; of many, all transfers are fetched and matched here. Other tokens
 * than the configured ones are only looked for when that is wanted.
 */
function filtersFor(config: EvmConfig, tokens: TokensByAddress, watched: WatchedAddresses) {
  const address = config.watchUnlisted ? undefined : [...tokens.keys()];
  if (watched.size > limits.watchedTopics) return [{ address, topics: [transferTopic] }];
  const topics = [...watched.keys()].map(addressTopic);
  return topics.length === 0 ? [] : [{ address, topics: [transferTopic, null, topics] }];
}

function fingerprint(transfers: readonly SeenTransfer[]): string {
  return JSON.stringify(
    transfers.map(({ amount, block, from, ordinal, to, token, txHash }) => [
      txHash,
      ordinal,
      block.id,
      token,
      from,
      to,
      amount.toString(),
    ]),
  );
}

/**
 * What the receiver has more of after the block than before it, and what left them in between. Tokens that take a fee
 * from what is transferred may say in their events what was sent.
 */
async function measureReceived(
  nodes: EvmNodes,
  transfers: readonly SeenTransfer[],
): Promise<bigint | undefined> {
  const [first] = transfers;
  if (!first) return 0n;
  const { block, to, token } = first;
  try {
    const at = await nodes.call('eth_getBlockByHash', [block.id, false], header);
    if (!at) throw new ChainError('The chain changed while it was read.');
    const balanceAt = (blockHash: string): Promise<bigint> =>
      nodes.call('eth_call', [{ to: token, data: balanceOfData(to) }, { blockHash }], word);
    const [before, after] = await Promise.all([balanceAt(at.parentId), balanceAt(at.id)]);
    const left = await nodes.call(
      'eth_getLogs',
      [{ blockHash: at.id, address: token, topics: [transferTopic, addressTopic(to)] }],
      readLogs,
    );
    return after - before + left.reduce((sum, { data }) => sum + BigInt(data), 0n);
  } catch (error) {
    // Nodes keep the state of the latest blocks only, unless they are archives.
    if (error instanceof RpcError) return undefined;
    throw error;
  }
}
