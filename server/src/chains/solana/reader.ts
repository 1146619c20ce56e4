import { limits } from '../../platform/limits.ts';
import { mapInBatches } from '../batches.ts';
import type { SolanaConfig } from '../config.ts';
import { count } from '../decoding.ts';
import { ChainError } from '../errors.ts';
import type { Node } from '../node.ts';
import { askEach, askUntilAgreed, fingerprintTransfers, requireHealthy } from '../node-agreement.ts';
import type { Block, ChainReader, SeenTransfer, WatchedAddresses } from '../port.ts';
import { requireToken } from '../tokens.ts';
import { balancesOf, requireMints } from './accounts.ts';
import { blockAt, finalized, headerAt, listSlots, readBlocks, type SolanaNodes } from './blocks.ts';
import {
  blockTransactions,
  contextValue,
  type SignatureStatus,
  signatureStatuses,
  signatures,
} from './responses.ts';
import { readTransfers, type TokensByMint } from './transfers.ts';

/** Creates the reader of Solana. Heights are slots; some slots have no block. */
export function createSolanaReader(config: SolanaConfig, nodes: SolanaNodes): ChainReader {
  const tokens: TokensByMint = new Map(config.tokens.map((token) => [token.address, token]));
  let isChecked = false;
  return {
    async head() {
      const head = await nodes.choose();
      if (!isChecked) await requireMints(nodes, config.tokens);
      isChecked = true;
      return head;
    },
    // The head is the newest finalized block.
    finalHeight: async ({ height }) => height,
    blockId: async (slot) => (await headerAt(nodes, slot))?.id,
    blockIds: async (slot) => (await askEach(nodes, async (node) => (await headerAt(node, slot))?.id)).found,
    scan(from, to, watched, final) {
      const ask = (node: Node) => scanNode(node, { from, to }, watched, tokens, config.watchUnlisted);
      const subject = `blocks ${from} to ${to}`;
      return askUntilAgreed(nodes, final ? config.agreement : 1, ask, fingerprintTransfers, subject);
    },
    // Transfers are read from the balances already: their amounts are measured.
    received: async (transfers) => transfers.reduce((sum, { amount }) => sum + amount, 0n),
    minedIn: (txHash) => findBlock(nodes, txHash),
    async tokenBalances(currency, addresses, height) {
      const token = requireToken(config, currency);
      if (height !== undefined) throw new ChainError('Solana nodes do not keep the balances of past blocks.');
      return balancesOf(nodes, token, addresses);
    },
    async nativeBalance(address) {
      const read = (result: unknown) => contextValue(result, count).value;
      return BigInt(await nodes.call('getBalance', [address, finalized], read));
    },
  };
}

async function scanNode(
  node: Node,
  { from, to }: { readonly from: number; readonly to: number },
  watched: WatchedAddresses,
  tokens: TokensByMint,
  watchUnlisted: boolean,
): Promise<SeenTransfer[]> {
  const seen: SeenTransfer[] = [];
  const empty: number[] = [];
  let last = -1;
  await readBlocks(node, { from, to }, 'accounts', blockTransactions, (head, { count, changing }) => {
    last = head.height;
    if (count === 0) empty.push(head.height);
    const block = { height: head.height, id: head.id };
    seen.push(...readTransfers(block, changing, watched, tokens, watchUnlisted));
    return true;
  });
  await requireWholeRange(node, from, to, last);
  await requireEmpty(node, empty);
  return seen;
}

/** A block without transactions is believed only if it has no signatures either, which nodes read from another place. */
async function requireEmpty(node: Node, slots: readonly number[]): Promise<void> {
  await mapInBatches(slots, limits.solanaBlockConcurrency, async (slot) => {
    const block = await blockAt(node, slot, 'signatures', signatures);
    if (block?.found.length !== 0) {
      throw new ChainError(`The node omitted the transactions of slot ${slot}.`);
    }
  });
}

/** A node that lags would omit the last blocks of a range: the parent of the block after it must be the last one read. */
async function requireWholeRange(node: Node, from: number, to: number, last: number): Promise<void> {
  if (last === to) return;
  const [next] = await listSlots(node, to + 1, to + limits.solanaSkippedSlots);
  const after = next === undefined ? undefined : await headerAt(node, next);
  const isWhole = last < 0 ? after && after.parentSlot < from : after?.parentSlot === last;
  if (!isWhole) throw new ChainError(`The node has not reached slot ${to}.`, 'unsettled');
}

async function findBlock(nodes: SolanaNodes, txHash: string): Promise<Block | undefined> {
  for (const node of requireHealthy(nodes)) {
    const [found] = await askSignatureStatuses(node, [txHash]);
    const block = found?.isFinal ? await headerAt(node, found.slot) : undefined;
    if (block) return { height: block.height, id: block.id };
  }
  return undefined;
}

/** The statuses of transactions, by one node, however long ago they were sent. */
export async function askSignatureStatuses(
  node: Pick<Node, 'call'>,
  txHashes: readonly string[],
): Promise<(SignatureStatus | undefined)[]> {
  const { value } = await node.call(
    'getSignatureStatuses',
    [txHashes, { searchTransactionHistory: true }],
    (result) => contextValue(result, signatureStatuses),
  );
  if (value.length !== txHashes.length) {
    throw new ChainError('The node responded with another number of statuses.');
  }
  return value;
}
