import { toTronAddress } from '../addresses.ts';
import type { Token } from '../config.ts';
import type { ReportedMovement } from '../finality.ts';
import type { Block, SeenTransfer, WatchedAddresses } from '../port.ts';
import type { Log, Outcome } from './responses.ts';

/** Tokens by contract address. */
export type TokensByAddress = ReadonlyMap<string, Token>;

/** Topic 0 of `Transfer(address,address,uint256)` (TRC-20): its Keccak-256 hash. */
export const transferTopic = 'ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef';

/**
 * Extracts the transfers to watched addresses from the outcomes of a block, in one pass. Only events of successful calls count.
 * Transfers of tokens that are not configured have no currency. Transfers to the sender itself are omitted, and so are events of
 * NFTs, which have a fourth topic.
 *
 * @param watchUnlisted whether to include tokens that are not configured
 */
export function readTransfers(
  block: Block,
  outcomes: readonly Outcome[],
  watched: WatchedAddresses,
  tokens: TokensByAddress,
  watchUnlisted: boolean,
): SeenTransfer[] {
  return outcomes.flatMap(({ logs, result, txHash }) => {
    if (result !== 'called') return [];
    const ordinals = new Map<string, number>();
    const outgoing = outgoingOf(block, txHash, logs, watched.sender, tokens);
    const arrived = logs.flatMap((log): SeenTransfer[] => {
      if (!isTransfer(log)) return [];
      const { address: token, data } = log;
      const currency = tokens.get(token)?.currency;
      if (currency === undefined && !watchUnlisted) return [];
      const to = addressIn(log.topics[2]);
      if (!watched.has(to)) return [];
      const from = addressIn(log.topics[1]);
      if (from === to) return [];
      const group = `${token}/${to}`;
      const ordinal = ordinals.get(group) ?? 0;
      ordinals.set(group, ordinal + 1);
      return [{ txHash, ordinal, block, token, currency, from, to, amount: BigInt(`0x${data}`) }];
    });
    return [...arrived, ...outgoing];
  });
}

/** What left an address. Anybody can make a token report a transfer of nothing. */
function outgoingOf(
  block: Block,
  txHash: string,
  logs: readonly Log[],
  sender: string | undefined,
  tokens: TokensByAddress,
): SeenTransfer[] {
  if (sender === undefined) return [];
  return logs.flatMap((log, ordinal): SeenTransfer[] => {
    const token = tokens.get(log.address);
    if (!token || !isTransfer(log) || addressIn(log.topics[1]) !== sender) return [];
    const to = addressIn(log.topics[2]);
    const amount = BigInt(`0x${log.data}`);
    if (amount === 0n || to === sender) return [];
    const { address, currency } = token;
    return [{ txHash, ordinal, block, token: address, currency, from: sender, to, amount, isOutgoing: true }];
  });
}

/** The movement that a log reports, with addresses that start with T; none if it is no token transfer. */
export function movementIn(log: Log): ReportedMovement[] {
  const [, from, to] = log.topics;
  if (!isTransfer(log)) return [];
  return [{ from: addressIn(from), to: addressIn(to), amount: BigInt(`0x${log.data}`) }];
}

/** Whether a log is a token transfer: three topics, and a 32-byte number. */
function isTransfer({ data, topics }: Log): boolean {
  return topics.length === 3 && topics[0] === transferTopic && data.length === 64;
}

/** The address in the lower 20 bytes of a topic. */
function addressIn(topic = ''): string {
  return toTronAddress(Buffer.from(topic.slice(24), 'hex'));
}
