import { limits } from '../../platform/limits.ts';
import { mapInBatches } from '../batches.ts';
import type { EvmConfig, Token } from '../config.ts';
import { ChainError } from '../errors.ts';
import type { Node } from '../node.ts';
import { askEach, askUntilAgreed, fingerprintTransfers, requireHealthy } from '../node-agreement.ts';
import type { Block, ChainReader, SeenTransfer, WatchedAddresses } from '../port.ts';
import { requireToken, wrongDecimals } from '../tokens.ts';
import { blockIdAt, type EvmNodes, finalHeightOf, toBlock } from './blocks.ts';
import { addressTopic, balanceOfData, decimalsData, transferTopic } from './erc20.ts';
import { fetchLogs, type LogRange } from './logs.ts';
import { measureReceived } from './received.ts';
import { quantity, receipt, word } from './responses.ts';
import { readTransfers, type TokensByAddress } from './transfers.ts';

const tokenDecimals = 6n;

interface Range {
  readonly from: number;
  readonly to: number;
}

/** The transfers in a range of blocks, as one node reports them. */
interface Scanned {
  readonly lastId: string;
  readonly transfers: SeenTransfer[];
}

/** Creates the reader of an EVM chain. */
export function createEvmReader(config: EvmConfig, nodes: EvmNodes): ChainReader {
  const scanNode = createScanner(config);
  let isChecked = false;
  return {
    async head() {
      const head = await nodes.choose();
      if (!isChecked) await requireDecimals(nodes, config.tokens);
      isChecked = true;
      return toBlock(head);
    },
    finalHeight: (head) => finalHeightOf(config, nodes, head),
    blockId: (height) => blockIdAt(nodes, height),
    blockIds: async (height) => (await askEach(nodes, (node) => blockIdAt(node, height))).found,
    async scan(from, to, watched, final) {
      const scanned = await askUntilAgreed(
        nodes,
        final ? config.agreement : 1,
        (node) => scanNode(node, { from, to }, watched),
        ({ lastId, transfers }) => `${lastId} ${fingerprintTransfers(transfers)}`,
        `blocks ${from} to ${to}`,
      );
      return scanned.transfers;
    },
    received: (transfers, areOurs) => measureReceived(nodes, transfers, areOurs),
    minedIn: (txHash) => findBlock(nodes, txHash),
    async tokenBalances(currency, addresses, height) {
      const { address: to } = requireToken(config, currency);
      const block = height === undefined ? 'latest' : `0x${height.toString(16)}`;
      return mapInBatches(addresses, limits.balanceConcurrency, (owner) =>
        nodes.call('eth_call', [{ to, data: balanceOfData(owner) }, block], word),
      );
    },
    nativeBalance: (address) => nodes.call('eth_getBalance', [address, 'latest'], quantity),
  };
}

function createScanner(config: EvmConfig) {
  const tokens: TokensByAddress = new Map(config.tokens.map((token) => [token.address.toLowerCase(), token]));
  const sizes = new WeakMap<Node, LogRange>();
  const sizeFor = (node: Node): LogRange => {
    const size = sizes.get(node) ?? { blocks: config.blockRange, responses: 0 };
    sizes.set(node, size);
    return size;
  };
  return async (node: Node, range: Range, watched: WatchedAddresses): Promise<Scanned> => {
    // A node that has not reached the block returns no logs instead of an error.
    const lastId = await blockIdAt(node, range.to);
    if (lastId === undefined) {
      throw new ChainError(`The node has not reached block ${range.to}.`, 'unsettled');
    }
    const found = [];
    for (const filter of filtersFor(config, tokens, watched)) {
      for (const log of await fetchLogs(node, filter, range, sizeFor(node))) found.push(log);
    }
    if ((await blockIdAt(node, range.to)) !== lastId) {
      throw new ChainError('The chain changed during the read.', 'unsettled');
    }
    return { lastId, transfers: readTransfers(found, { ...range, lastId }, watched, tokens) };
  };
}

async function findBlock(nodes: EvmNodes, txHash: string): Promise<Block | undefined> {
  for (const node of requireHealthy(nodes)) {
    const found = await node.call('eth_getTransactionReceipt', [txHash], receipt);
    if (found && (await blockIdAt(node, found.block.height)) === found.block.id) return found.block;
  }
  return undefined;
}

/** @throws ChainError if a configured contract does not have 6 decimals */
async function requireDecimals(nodes: EvmNodes, tokens: readonly Token[]): Promise<void> {
  for (const { address, currency } of tokens) {
    const decimals = await decimalsOf(nodes, address);
    if (decimals === undefined) {
      throw new ChainError(`The address configured for ${currency} must be a token contract.`);
    }
    if (decimals !== tokenDecimals) throw wrongDecimals(currency, decimals);
  }
}

/** @returns undefined if there is no contract at the address, or if the contract has no decimals */
async function decimalsOf(nodes: EvmNodes, address: string): Promise<bigint | undefined> {
  try {
    return await nodes.call('eth_call', [{ to: address, data: decimalsData }, 'latest'], (result) =>
      result === '0x' ? undefined : word(result),
    );
  } catch (error) {
    const isRejected = error instanceof ChainError && error.kind === 'rejected';
    if (isRejected && /revert/i.test(error.message)) return undefined;
    throw error;
  }
}

/**
 * Chooses the log filters. The node filters by receiver while there are few addresses; with many, all transfers are fetched and
 * matched here. Contracts that are not configured are included only if `watchUnlisted` is set.
 */
function filtersFor(config: EvmConfig, tokens: TokensByAddress, watched: WatchedAddresses) {
  const address = config.watchUnlisted ? undefined : [...tokens.keys()];
  if (watched.size > limits.watchedTopics) return [{ address, topics: [transferTopic] }];
  const topics = [...watched.keys()].map(addressTopic);
  const sent = watched.sender === undefined ? [] : [addressTopic(watched.sender)];
  return [
    ...(topics.length === 0 ? [] : [{ address, topics: [transferTopic, null, topics] }]),
    ...(sent.length === 0 ? [] : [{ address: [...tokens.keys()], topics: [transferTopic, sent] }]),
  ];
}
