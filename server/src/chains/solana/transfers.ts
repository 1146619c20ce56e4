import type { Token } from '../config.ts';
import type { Block, SeenTransfer, WatchedAddresses } from '../port.ts';
import { tokenAccountOf } from './programs.ts';
import type { TokenChange, TokenTransaction } from './responses.ts';

/** Tokens by their mints. */
export type TokensByMint = ReadonlyMap<string, Token>;

/**
 * What the transactions of a block have brought to watched owners: by how much their accounts have grown, whatever the
 * instructions said. That is what has really arrived, with fees on the transfer taken off. What one transaction brings to
 * one account is one transfer. Only the associated token account of an owner is theirs: anybody can make others in their
 * name, which nothing of ours looks at; what lies in those is shown without a currency.
 */
export function readTransfers(
  block: Block,
  transactions: readonly TokenTransaction[],
  watched: WatchedAddresses,
  tokens: TokensByMint,
  watchUnlisted: boolean,
): SeenTransfer[] {
  return transactions.flatMap(({ changes, signature }) => {
    const ordinals = new Map<string, number>();
    return changes
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
  });
}

function currencyOf({ account, mint, owner }: TokenChange, tokens: TokensByMint) {
  const token = tokens.get(mint);
  if (!token?.program) return undefined;
  return account === tokenAccountOf(owner, mint, token.program) ? token.currency : undefined;
}

/** Whose account has shrunk the most; empty for what was minted. */
function senderOf(changes: readonly TokenChange[], mint: string): string {
  const [most] = changes
    .filter((change) => change.mint === mint && change.amount < 0n)
    .sort((a, b) => (a.amount < b.amount ? -1 : 1));
  return most?.owner ?? '';
}
