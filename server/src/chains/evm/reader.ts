import { limits } from '../../platform/limits.ts';
import { allUsable, askUntilAgreed, printTransfers } from '../agreement.ts';
import type { EvmConfig } from '../config.ts';
import { type Node, RpcError, UnsettledError } from '../node.ts';
import { ChainError, type ChainReader, type SeenTransfer, type WatchedAddresses } from '../port.ts';
import { blockIdOf, type EvmNodes, toBlock } from './blocks.ts';
import { addressTopic, balanceOfData, decimalsData, transferTopic } from './erc20.ts';
import { fetchLogs, type LogPace } from './logs.ts';
import { measureReceived } from './received.ts';
import { quantity, receipt, word } from './responses.ts';
import { readTransfers, type TokensByAddress } from './transfers.ts';

const tokenDecimals = 6n;

/** What one node says of a range of blocks. */
interface Scanned {
  readonly lastId: string;
  readonly transfers: SeenTransfer[];
}

/** Reads an EVM chain. */
export function createEvmReader(config: EvmConfig, nodes: EvmNodes): ChainReader {
  const tokens: TokensByAddress = new Map(config.tokens.map((token) => [token.address.toLowerCase(), token]));
  const paces = new WeakMap<Node, LogPace>();
  let isChecked = false;

  /** A token with other decimals would be credited a million times too much or too little. */
  const checkTokens = async (): Promise<void> => {
    for (const { address, currency } of config.tokens) {
      const decimals = await decimalsOf(nodes, address);
      if (decimals === tokenDecimals) continue;
      const has = decimals === undefined ? 'is no token contract' : `has ${decimals} decimals, not 6`;
      throw new ChainError(`The contract configured for ${currency} ${has}.`);
    }
    isChecked = true;
  };

  const paceOf = (node: Node): LogPace => {
    const pace = paces.get(node) ?? { blocks: config.blockRange, answers: 0 };
    paces.set(node, pace);
    return pace;
  };

  const scanAt = async (
    node: Node,
    range: { readonly from: number; readonly to: number },
    watched: WatchedAddresses,
  ): Promise<Scanned> => {
    // A node that has not got so far answers with no logs, as if there were none.
    const lastId = await blockIdOf(node, range.to);
    if (lastId === undefined) throw new UnsettledError(`The node has not got to block ${range.to}.`);
    const found = [];
    for (const filter of filtersFor(config, tokens, watched)) {
      for (const log of await fetchLogs(node, filter, range, paceOf(node))) found.push(log);
    }
    if ((await blockIdOf(node, range.to)) !== lastId) {
      throw new UnsettledError('The chain changed while it was read.');
    }
    return { lastId, transfers: readTransfers(found, { ...range, lastId }, watched, tokens) };
  };

  return {
    async head() {
      const head = await nodes.choose();
      if (!isChecked) await checkTokens();
      return toBlock(head);
    },
    blockId: (height) => blockIdOf(nodes, height),
    async scan(from, to, watched, final) {
      const scanned = await askUntilAgreed(
        nodes,
        final ? config.agreement : 1,
        (node) => scanAt(node, { from, to }, watched),
        ({ lastId, transfers }) => `${lastId} ${printTransfers(transfers)}`,
        `the blocks ${from} to ${to}`,
      );
      return scanned.transfers;
    },
    received: (transfers, areOurs) => measureReceived(nodes, transfers, areOurs),
    async minedIn(txHash) {
      for (const node of allUsable(nodes)) {
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
      for (let from = 0; from < addresses.length; from += limits.balanceConcurrency) {
        const some = addresses.slice(from, from + limits.balanceConcurrency);
        balances.push(...(await Promise.all(some.map(balanceOf))));
      }
      return balances;
    },
    nativeBalance: (address) => nodes.call('eth_getBalance', [address, 'latest'], quantity),
  };
}

/** @returns undefined when there is no contract at the address, or one that has no decimals */
async function decimalsOf(nodes: EvmNodes, address: string): Promise<bigint | undefined> {
  try {
    return await nodes.call('eth_call', [{ to: address, data: decimalsData }, 'latest'], (answer) =>
      answer === '0x' ? undefined : word(answer),
    );
  } catch (error) {
    if (error instanceof RpcError && /revert/i.test(error.message)) return undefined;
    throw error;
  }
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
