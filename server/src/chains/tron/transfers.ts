import { toTronAddress } from '../addresses.ts';
import type { Token } from '../config.ts';
import type { Block, SeenTransfer, WatchedAddresses } from '../port.ts';
import type { Log, Outcome } from './responses.ts';

/** Tokens by the address of their contract. */
export type TokensByAddress = ReadonlyMap<string, Token>;

/** The first topic of `Transfer(address,address,uint256)` (TRC-20): its Keccak-256. */
export const transferTopic = 'ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef';

/**
 * The transfers to watched addresses among the outcomes of a block: one pass, whatever the number of addresses. Only what
 * a call that succeeded has told counts. What another contract emits is no transfer of ours, but is kept without a
 * currency; a transfer to oneself brings nothing and is left out, and so are the events of NFTs, which have a fourth topic.
 *
 * @param isUnlistedWanted whether other tokens than the configured ones are kept
 */
export function readTransfers(
  block: Block,
  outcomes: readonly Outcome[],
  watched: WatchedAddresses,
  tokens: TokensByAddress,
  isUnlistedWanted: boolean,
): SeenTransfer[] {
  return outcomes.flatMap(({ logs, result, txHash }) => {
    if (result !== 'called') return [];
    const ordinals = new Map<string, number>();
    return logs.flatMap((log): SeenTransfer[] => {
      if (!isTransfer(log)) return [];
      const { address: token, data } = log;
      const currency = tokens.get(token)?.currency;
      if (currency === undefined && !isUnlistedWanted) return [];
      const to = addressIn(log.topics[2]);
      if (!watched.has(to)) return [];
      const from = addressIn(log.topics[1]);
      if (from === to) return [];
      const group = `${token}/${to}`;
      const ordinal = ordinals.get(group) ?? 0;
      ordinals.set(group, ordinal + 1);
      return [{ txHash, ordinal, block, token, currency, from, to, amount: BigInt(`0x${data}`) }];
    });
  });
}

/** Whether a log is of a transfer of tokens: three topics, and a number of 32 bytes. */
export function isTransfer({ data, topics }: Log): boolean {
  return topics.length === 3 && topics[0] === transferTopic && data.length === 64;
}

/** The account in the lower 20 bytes of a topic. */
function addressIn(topic = ''): string {
  return toTronAddress(Buffer.from(topic.slice(24), 'hex'));
}
