import { limits } from '../../platform/limits.ts';
import { mapInBatches } from '../batches.ts';
import type { EvmConfig, Token } from '../config.ts';
import { ChainError } from '../errors.ts';
import { askEach, askUntilAgreed, fingerprintTransfers, requireHealthy } from '../node-agreement.ts';
import type { Block, ChainReader } from '../port.ts';
import { requireToken, wrongDecimals } from '../tokens.ts';
import { blockIdAt, type EvmNodes, finalHeightOf, toBlock } from './blocks.ts';
import { balanceOfData, decimalsData } from './erc20.ts';
import { measureReceived } from './received.ts';
import { quantity, receipt, word } from './responses.ts';
import { createScanner, type ScanRequest } from './scanner.ts';

const tokenDecimals = 6n;

/** Creates the reader of an EVM chain. */
export function createEvmReader(config: EvmConfig, nodes: EvmNodes): ChainReader {
  const scanNode = createScanner(config);
  let isChecked = false;
  let headHeight = 0;
  const scan = async (request: Pick<ScanRequest, 'from' | 'to' | 'watched' | 'tokens'>, final: boolean) => {
    const { from, to, tokens } = request;
    const nearFrom = headHeight - limits.nearHeadBlocks + 1;
    // Without a second node the node itself must prove what it says. Tokens that are not configured are only shown.
    const isProven = final && config.agreement === 1 && tokens === 'configured';
    const { transfers } = await askUntilAgreed(
      nodes,
      final && tokens === 'configured' ? config.agreement : 1,
      (node) => scanNode(node, { ...request, nearFrom, isProven }),
      ({ lastId, transfers: found }) => `${lastId} ${fingerprintTransfers(found)}`,
      `blocks ${from} to ${to}`,
    );
    return transfers;
  };
  return {
    async head() {
      const head = await nodes.choose();
      headHeight = head.height;
      if (!isChecked) await requireDecimals(nodes, config.tokens);
      isChecked = true;
      return toBlock(head);
    },
    finalHeight: (head) => finalHeightOf(config, nodes, head),
    blockId: (height) => blockIdAt(nodes, height),
    blockIds: async (height) => (await askEach(nodes, (node) => blockIdAt(node, height))).found,
    scan: (from, to, watched, final) => scan({ from, to, watched, tokens: 'configured' }, final),
    scanUnlisted: config.watchUnlisted
      ? (from, to, watched) => scan({ from, to, watched, tokens: 'other' }, true)
      : undefined,
    received: (transfers, areOurs) => measureReceived(nodes, config.agreement, transfers, areOurs),
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
