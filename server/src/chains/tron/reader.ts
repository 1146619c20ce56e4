import { limits } from '../../platform/limits.ts';
import { mapInBatches } from '../batches.ts';
import type { TronConfig } from '../config.ts';
import { ChainError } from '../errors.ts';
import type { Node } from '../node.ts';
import { askEach, askUntilAgreed, fingerprintTransfers, requireHealthy } from '../node-agreement.ts';
import type { Block, ChainReader, SeenTransfer, WatchedAddresses } from '../port.ts';
import { requireToken } from '../tokens.ts';
import { blockAt, finalHeightOf, headerAt, noHistory, type TronNodes } from './blocks.ts';
import { balanceOf, hexAddress, requireDecimals } from './calls.ts';
import { accountBalance, type FullBlock, type Outcome, outcome, outcomes } from './responses.ts';
import { readTransfers, type TokensByAddress } from './transfers.ts';

/** Creates the reader of Tron. */
export function createTronReader(config: TronConfig, nodes: TronNodes): ChainReader {
  const scanNode = createScanner(config);
  let isChecked = false;
  return {
    async head() {
      const { height, id } = await nodes.choose();
      if (!isChecked) {
        for (const { address, currency } of config.tokens) await requireDecimals(nodes, address, currency);
        isChecked = true;
      }
      return { height, id };
    },
    finalHeight: (head) => finalHeightOf(config, nodes, head),
    blockId: async (height) => (await headerAt(nodes, height))?.id,
    blockIds: async (height) =>
      (await askEach(nodes, async (node) => (await headerAt(node, height))?.id)).found,
    async scan(from, to, watched, final) {
      // Without a second node the block itself proves that no outcome is missing.
      const isProven = final && config.agreement === 1;
      const ask = (node: Node): Promise<SeenTransfer[]> => scanNode(node, { from, to }, watched, isProven);
      const subject = `blocks ${from} to ${to}`;
      return askUntilAgreed(nodes, final ? config.agreement : 1, ask, fingerprintTransfers, subject);
    },
    // Full nodes keep current balances only.
    received: async () => undefined,
    minedIn: (txHash) => findBlock(nodes, txHash),
    async tokenBalances(currency, addresses, height) {
      const { address } = requireToken(config, currency);
      if (height !== undefined) throw new ChainError('Tron nodes do not keep the balances of past blocks.');
      return mapInBatches(addresses, limits.balanceConcurrency, (owner) => balanceOf(nodes, address, owner));
    },
    nativeBalance: async (address) =>
      (await nodes.call('getaccount', { address: hexAddress(address) }, accountBalance)) ?? 0n,
  };
}

function createScanner(config: TronConfig) {
  const tokens: TokensByAddress = new Map(config.tokens.map((token) => [token.address, token]));

  const scanBlock = async (
    node: Node,
    height: number,
    watched: WatchedAddresses,
    isProven: boolean,
  ): Promise<SeenTransfer[]> => {
    const found = await node.call('gettransactioninfobyblocknum', { num: height }, outcomes);
    const full = isProven ? await blockAt(node, height) : undefined;
    const block = isProven ? full : await headerAt(node, height);
    if (!block) throw new ChainError(`The node has not reached block ${height}.`, 'unsettled');
    // The transactions of the first block have no outcomes. For any other block a node without them has omitted them.
    if (height > 0 && (found.length === 0) !== block.isEmpty) throw new ChainError(noHistory);
    const { id, timestampMs } = block;
    if (found.some((one) => one.height !== block.height || one.timestampMs !== timestampMs)) {
      throw new ChainError('The chain changed during the read.', 'unsettled');
    }
    if (height > 0 && full) requireOutcomes(full, found);
    return readTransfers({ height: block.height, id }, found, watched, tokens, config.watchUnlisted);
  };

  return async (
    node: Node,
    { from, to }: { readonly from: number; readonly to: number },
    watched: WatchedAddresses,
    isProven: boolean,
  ): Promise<SeenTransfer[]> => {
    const heights = Array.from({ length: to - from + 1 }, (_, index) => from + index);
    const blocks = await mapInBatches(heights, limits.tronBlockConcurrency, (height) =>
      scanBlock(node, height, watched, isProven),
    );
    return blocks.flat();
  };
}

/** @throws ChainError if a transaction of the block has no outcome */
function requireOutcomes({ height, txIds }: FullBlock, found: readonly Outcome[]): void {
  const known = new Set(found.map(({ txHash }) => txHash));
  if (txIds.every((id) => known.has(id))) return;
  throw new ChainError(`The node omitted outcomes of block ${height}.`);
}

async function findBlock(nodes: TronNodes, txHash: string): Promise<Block | undefined> {
  for (const node of requireHealthy(nodes)) {
    const found = await node.call('gettransactioninfobyid', { value: txHash }, outcome);
    const block = found && (await headerAt(node, found.height));
    if (block) return { height: block.height, id: block.id };
  }
  return undefined;
}
