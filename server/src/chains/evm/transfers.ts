import type { Token } from '../config.ts';
import { ChainError } from '../errors.ts';
import type { SeenTransfer, WatchedAddresses } from '../port.ts';
import { transferTopic } from './erc20.ts';
import type { Log } from './responses.ts';

/** Tokens by the lower-case address of their contract. */
export type TokensByAddress = ReadonlyMap<string, Token>;

/**
 * Extracts the transfers to watched addresses from logs, in one pass. Logs may be in any order and repeated. Transfers of tokens
 * that are not configured have no currency. Transfers to the sender itself are omitted, and so are events of NFTs, which have a
 * fourth topic.
 *
 * @param range the requested range; `ids` are those of its blocks that are known
 * @throws ChainError if a log is outside the range, two blocks have one height, or two logs have one index
 */
export function readTransfers(
  logs: readonly Log[],
  range: { readonly from: number; readonly to: number; readonly ids: ReadonlyMap<number, string> },
  watched: WatchedAddresses,
  tokens: TokensByAddress,
): SeenTransfer[] {
  const idByHeight = new Map(range.ids);
  const ours: (Log & { from: string; to: string })[] = [];
  const left: (Log & { from: string; to: string })[] = [];
  for (const log of logs) {
    const { height, id } = log.block;
    if (height < range.from || height > range.to) {
      throw new ChainError('The node responded with logs outside the requested range.');
    }
    if ((idByHeight.get(height) ?? id) !== id)
      throw new ChainError('The chain changed during the read.', 'unsettled');
    idByHeight.set(height, id);
    if (log.topics.length !== 3 || log.topics[0] !== transferTopic || log.data.length !== 66) continue;
    const to = addressOf(log.topics[2]);
    const from = addressOf(log.topics[1]);
    if (from === to) continue;
    if (watched.has(to)) ours.push({ ...log, from, to });
    if (from === watched.sender) left.push({ ...log, from, to });
  }
  return [...numbered(ours, tokens), ...numbered(left, tokens).flatMap(outgoingOf)];
}

/** Anybody can make a token report a transfer of nothing. */
function outgoingOf(transfer: SeenTransfer): SeenTransfer[] {
  const isMovement = transfer.currency !== undefined && transfer.amount > 0n;
  return isMovement ? [{ ...transfer, isOutgoing: true }] : [];
}

/** The address in the lower 20 bytes of a topic. */
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
    const position = `${log.block.id}/${log.logIndex}`;
    const content = [log.txHash, log.address, ...log.topics, log.data].join('/');
    if ((seen.get(position) ?? content) !== content)
      throw new ChainError('Two logs have the same index in a block.');
    if (seen.has(position)) return [];
    seen.set(position, content);
    const group = `${log.txHash}/${log.address}/${log.to}`;
    const ordinal = ordinals.get(group) ?? 0;
    ordinals.set(group, ordinal + 1);
    const { address: token, block, from, to, txHash } = log;
    const currency = tokens.get(token)?.currency;
    return [{ txHash, ordinal, block, token, currency, from, to, amount: BigInt(log.data) }];
  });
}
