import type { Token } from '../config.ts';
import type { Block, SeenTransfer, WatchedAddresses } from '../port.ts';
import { tokenAccountOf } from './programs.ts';
import type { TokenChange, TokenTransaction } from './responses.ts';

/** Tokens by mint. */
export type TokensByMint = ReadonlyMap<string, Token>;

/**
 * Extracts the transfers to watched owners from a block: the increase of each token account's balance in each transaction. That is
 * the amount received, after transfer fees, whatever the instructions say. Only an owner's associated token account counts:
 * anybody can create others for the owner, and transfers to those have no currency.
 */
export function readTransfers(
  block: Block,
  transactions: readonly TokenTransaction[],
  watched: WatchedAddresses,
  tokens: TokensByMint,
  watchUnlisted: boolean,
): SeenTransfer[] {
  return transactions.flatMap(({ changes, signature }) => {
    const outgoing = outgoingOf({ signature, changes }, block, watched.sender, tokens);
    const ordinals = new Map<string, number>();
    const arrived = changes
      .filter(({ amount, owner }) => amount > 0n && watched.has(owner))
      .sort((a, b) => (a.account < b.account ? -1 : 1))
      .flatMap((change): SeenTransfer[] => {
        const currency = currencyOf(change, tokens);
        if (currency === undefined && !watchUnlisted) return [];
        const { amount, mint: token, owner: to } = change;
        const group = `${currency ?? token} ${to}`;
        const ordinal = ordinals.get(group) ?? 0;
        ordinals.set(group, ordinal + 1);
        const from = senderOf(changes, token);
        return [{ txHash: signature, ordinal, block, token, currency, from, to, amount }];
      });
    return [...arrived, ...outgoing];
  });
}

/** What a transaction moved out of all accounts of an owner, by mint. What moves between them does not count. */
function outgoingOf(
  { changes, signature: txHash }: TokenTransaction,
  block: Block,
  owner: string | undefined,
  tokens: TokensByMint,
): SeenTransfer[] {
  if (owner === undefined) return [];
  return [...tokens].flatMap(([token, { currency }], ordinal): SeenTransfer[] => {
    const ofMint = changes.filter(({ mint }) => mint === token);
    const kept = ofMint
      .filter((change) => change.owner === owner)
      .reduce((sum, { amount }) => sum + amount, 0n);
    if (kept >= 0n) return [];
    const [most] = ofMint
      .filter((change) => change.owner !== owner && change.amount > 0n)
      .sort((a, b) => (a.amount > b.amount ? -1 : 1));
    const to = most?.owner ?? '';
    return [{ txHash, ordinal, block, token, currency, from: owner, to, amount: -kept, isOutgoing: true }];
  });
}

function currencyOf({ account, mint, owner }: TokenChange, tokens: TokensByMint) {
  const token = tokens.get(mint);
  if (!token?.program) return undefined;
  return account === tokenAccountOf(owner, mint, token.program) ? token.currency : undefined;
}

/** The owner whose balance fell the most; empty for minted tokens. */
function senderOf(changes: readonly TokenChange[], mint: string): string {
  const [most] = changes
    .filter((change) => change.mint === mint && change.amount < 0n)
    .sort((a, b) => (a.amount < b.amount ? -1 : 1));
  return most?.owner ?? '';
}
