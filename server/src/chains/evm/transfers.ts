import type { Token } from '../config.ts';
import { UnsettledError } from '../node.ts';
import { ChainError, type SeenTransfer, type WatchedAddresses } from '../port.ts';
import { transferTopic } from './erc20.ts';
import type { Log } from './responses.ts';

/** Tokens by the lower-case address of their contract. */
export type TokensByAddress = ReadonlyMap<string, Token>;

/**
 * The transfers to watched addresses among logs: one pass, whatever the number of addresses. Their order and repeats do
 * not matter. What another contract emits is no transfer of ours, but is kept without a currency; a transfer to oneself
 * brings nothing and is left out, and so are the events of NFTs, which have a fourth topic.
 *
 * @param range what was asked for; `lastId` is the id of its last block
 * @throws ChainError when a log lies outside of the range, two blocks claim one height, or two logs one place
 */
export function readTransfers(
  logs: readonly Log[],
  range: { readonly from: number; readonly to: number; readonly lastId: string },
  watched: WatchedAddresses,
  tokens: TokensByAddress,
): SeenTransfer[] {
  const idByHeight = new Map([[range.to, range.lastId]]);
  const ours: (Log & { from: string; to: string })[] = [];
  for (const log of logs) {
    const { height, id } = log.block;
    if (height < range.from || height > range.to) {
      throw new ChainError('The node answered with logs that it was not asked for.');
    }
    if ((idByHeight.get(height) ?? id) !== id)
      throw new UnsettledError('The chain changed while it was read.');
    idByHeight.set(height, id);
    if (log.topics.length !== 3 || log.topics[0] !== transferTopic || log.data.length !== 66) continue;
    const to = addressOf(log.topics[2]);
    if (!watched.has(to)) continue;
    const from = addressOf(log.topics[1]);
    if (from !== to) ours.push({ ...log, from, to });
  }
  return numbered(ours, tokens);
}

/** The lower 20 bytes of a topic. */
function addressOf(topic: string | undefined): string {
  return `0x${(topic ?? '').slice(26)}`;
}

function numbered(
  ours: readonly (Log & { from: string; to: string })[],
  tokens: TokensByAddress,
): SeenTransfer[] {
  const sorted = [...ours].sort((a, b) => a.block.height - b.block.height || a.logIndex - b.logIndex);
  const seen = new Map<string, string>();
  const ordinals = new Map<string, number>();
  return sorted.flatMap((log): SeenTransfer[] => {
    const place = `${log.block.id}/${log.logIndex}`;
    const content = [log.txHash, log.address, ...log.topics, log.data].join('/');
    if ((seen.get(place) ?? content) !== content) throw new ChainError('Two logs claim the same place.');
    if (seen.has(place)) return [];
    seen.set(place, content);
    const group = `${log.txHash}/${log.address}/${log.to}`;
    const ordinal = ordinals.get(group) ?? 0;
    ordinals.set(group, ordinal + 1);
    const { address: token, block, from, to, txHash } = log;
    const currency = tokens.get(token)?.currency;
    return [{ txHash, ordinal, block, token, currency, from, to, amount: BigInt(log.data) }];
  });
}
