import { limits } from '../../platform/limits.ts';
import { allUsable, askUntilAgreed, printTransfers } from '../node-agreement.ts';
import type { SolanaConfig } from '../config.ts';
import { type Node, UnsettledError } from '../node.ts';
import { ChainError, type ChainReader, type SeenTransfer, type WatchedAddresses } from '../port.ts';
import { balancesOf, expectMints } from './accounts.ts';
import { finalized, headerAt, listSlots, readBlocks, type SolanaNodes } from './blocks.ts';
import { contextValue, count, standings, tokenTransactions } from './responses.ts';
import { readTransfers, type TokensByMint } from './transfers.ts';

/** Reads Solana. Heights are slots, of which some have no block. */
export function createSolanaReader(config: SolanaConfig, nodes: SolanaNodes): ChainReader {
  const tokens: TokensByMint = new Map(config.tokens.map((token) => [token.address, token]));
  let isChecked = false;

  const scanRange = async (
    node: Node,
    from: number,
    to: number,
    watched: WatchedAddresses,
  ): Promise<SeenTransfer[]> => {
    const seen: SeenTransfer[] = [];
    let last = -1;
    await readBlocks(node, { from, to }, 'accounts', tokenTransactions, (head, transactions) => {
      last = head.height;
      const block = { height: head.height, id: head.id };
      seen.push(...readTransfers(block, transactions, watched, tokens, config.watchUnlisted));
      return true;
    });
    await expectWhole(node, from, to, last);
    return seen;
  };

  return {
    async head() {
      const head = await nodes.choose();
      if (!isChecked) {
        await expectMints(nodes, config.tokens);
        isChecked = true;
      }
      return head;
    },
    blockId: async (slot) => (await headerAt(nodes, slot))?.id,
    scan(from, to, watched, final) {
      const ask = (node: Node) => scanRange(node, from, to, watched);
      const about = `the blocks ${from} to ${to}`;
      return askUntilAgreed(nodes, final ? config.agreement : 1, ask, printTransfers, about);
    },
    // What was seen is what the accounts have grown by: it has been measured already.
    received: async (transfers) => transfers.reduce((sum, { amount }) => sum + amount, 0n),
    async minedIn(txHash) {
      for (const node of allUsable(nodes)) {
        const [found] = await askStandings(node, [txHash]);
        const block = found?.isFinal ? await headerAt(node, found.slot) : undefined;
        if (block) return { height: block.height, id: block.id };
      }
      return undefined;
    },
    async tokenBalances(currency, addresses, height) {
      const token = config.tokens.find((known) => known.currency === currency);
      if (!token) throw new ChainError(`There is no ${currency} configured.`);
      if (height !== undefined) {
        throw new ChainError('Nodes of Solana do not know what was held after a block.');
      }
      return balancesOf(nodes, token, addresses);
    },
    nativeBalance: async (address) =>
      BigInt(
        (await nodes.call('getBalance', [address, finalized], (answer) => contextValue(answer, count))).value,
      ),
  };
}

/** A node that is behind would leave out the last blocks of a range: the block after it names the last one in it. */
async function expectWhole(node: Node, from: number, to: number, last: number): Promise<void> {
  if (last === to) return;
  const [next] = await listSlots(node, to + 1, to + limits.solanaSkippedSlots);
  const after = next === undefined ? undefined : await headerAt(node, next);
  const isWhole = last < 0 ? after && after.parentSlot < from : after?.parentSlot === last;
  if (!isWhole) throw new UnsettledError('The node has not got so far yet.');
}

/** How transactions stand, by one node, however long ago they were sent. */
export async function askStandings(node: Pick<Node, 'call'>, txHashes: readonly string[]) {
  const { value } = await node.call(
    'getSignatureStatuses',
    [txHashes, { searchTransactionHistory: true }],
    (answer) => contextValue(answer, standings),
  );
  if (value.length !== txHashes.length) throw new ChainError('The node answered with other transactions.');
  return value;
}
