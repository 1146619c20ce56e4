import { limits } from '../../platform/limits.ts';
import { allUsable, askUntilAgreed, printTransfers } from '../agreement.ts';
import type { TronConfig } from '../config.ts';
import { type Node, UnsettledError } from '../node.ts';
import { ChainError, type ChainReader, type SeenTransfer, type WatchedAddresses } from '../port.ts';
import { headerAt, noOutcomes, type TronNodes } from './blocks.ts';
import { balanceOf, expectDecimals, hexAddress } from './calls.ts';
import { accountBalance, outcome, outcomes } from './responses.ts';
import { readTransfers, type TokensByAddress } from './transfers.ts';

/** Reads Tron. */
export function createTronReader(config: TronConfig, nodes: TronNodes): ChainReader {
  const tokens: TokensByAddress = new Map(config.tokens.map((token) => [token.address, token]));
  let isChecked = false;

  const scanBlock = async (
    node: Node,
    height: number,
    watched: WatchedAddresses,
  ): Promise<SeenTransfer[]> => {
    const found = await node.call('gettransactioninfobyblocknum', { num: height }, outcomes);
    const block = await headerAt(node, height);
    if (!block) throw new UnsettledError('The node has not got so far yet.');
    // The first block's transactions have no outcomes. Elsewhere a node without them has left them out.
    if (height > 0 && (found.length === 0) !== block.isEmpty) {
      throw new ChainError(noOutcomes);
    }
    const { height: at, id, timestampMs } = block;
    if (found.some((one) => one.height !== at || one.timestampMs !== timestampMs)) {
      throw new UnsettledError('The chain changed while it was read.');
    }
    return readTransfers({ height: at, id }, found, watched, tokens, config.watchUnlisted);
  };

  const scanRange = async (
    node: Node,
    from: number,
    to: number,
    watched: WatchedAddresses,
  ): Promise<SeenTransfer[]> => {
    const found: SeenTransfer[] = [];
    for (let at = from; at <= to; at += limits.tronBlockConcurrency) {
      const length = Math.min(limits.tronBlockConcurrency, to - at + 1);
      const heights = Array.from({ length }, (_, index) => at + index);
      const blocks = await Promise.all(heights.map((height) => scanBlock(node, height, watched)));
      for (const transfers of blocks) found.push(...transfers);
    }
    return found;
  };

  return {
    async head() {
      const { height, id } = await nodes.choose();
      if (!isChecked) {
        for (const { address, currency } of config.tokens) await expectDecimals(nodes, address, currency);
        isChecked = true;
      }
      return { height, id };
    },
    blockId: async (height) => (await headerAt(nodes, height))?.id,
    async scan(from, to, watched, final) {
      const ask = (node: Node): Promise<SeenTransfer[]> => scanRange(node, from, to, watched);
      const about = `the blocks ${from} to ${to}`;
      return askUntilAgreed(nodes, final ? config.agreement : 1, ask, printTransfers, about);
    },
    // Full nodes know what is held now, not what was held after a block: there is nothing to measure.
    received: async () => undefined,
    async minedIn(txHash) {
      for (const node of allUsable(nodes)) {
        const found = await node.call('gettransactioninfobyid', { value: txHash }, outcome);
        const block = found && (await headerAt(node, found.height));
        if (block) return { height: block.height, id: block.id };
      }
      return undefined;
    },
    async tokenBalances(currency, addresses, height) {
      const token = config.tokens.find((known) => known.currency === currency);
      if (!token) throw new ChainError(`There is no ${currency} configured.`);
      if (height !== undefined)
        throw new ChainError('Nodes of Tron do not know what was held after a block.');
      const balances: bigint[] = [];
      for (let from = 0; from < addresses.length; from += limits.balanceConcurrency) {
        const some = addresses.slice(from, from + limits.balanceConcurrency);
        balances.push(...(await Promise.all(some.map((owner) => balanceOf(nodes, token.address, owner)))));
      }
      return balances;
    },
    nativeBalance: async (address) =>
      (await nodes.call('getaccount', { address: hexAddress(address) }, accountBalance)) ?? 0n,
  };
}
