import { bucketOfId } from '../platform/ids.ts';
import type { AccountKind, AccountRow } from '../store/rows.ts';

/**
 * Names of accounts. An account's id says what it is, so nothing has to be looked up before money moves; it is opened
 * by the first journal that names it.
 */
export type AccountRef = Pick<
  AccountRow,
  'bucket' | 'id' | 'kind' | 'normal_side' | 'currency' | 'wallet_id' | 'chain'
>;

/** Where a lane's own accounts lie. Their balances are the sum over the lanes' stripes. */
export interface Stripe {
  readonly environmentId: string;
  readonly lane: number;
}

type WalletAccountKind = Extract<AccountKind, `wallet_${string}`>;

function walletAccount(kind: WalletAccountKind, walletId: string, currency: string): AccountRef {
  return {
    bucket: bucketOfId(walletId),
    id: walletAccountId(kind, walletId, currency),
    kind,
    normal_side: 'credit',
    currency,
    wallet_id: walletId,
    chain: null,
  };
}

/** The id of one of a wallet's accounts. */
export function walletAccountId(kind: WalletAccountKind, walletId: string, currency: string): string {
  return `${walletId}:${kind.slice('wallet_'.length)}:${currency}`;
}

/** What the customer can spend: a liability of ours. */
export function walletAvailable(walletId: string, currency: string): AccountRef {
  return walletAccount('wallet_available', walletId, currency);
}

/** What has left the available balance and not yet reached its destination: still owed to the customer. */
export function walletInTransit(walletId: string, currency: string): AccountRef {
  return walletAccount('wallet_in_transit', walletId, currency);
}

function stripeAccount(
  stripe: Stripe,
  kind: AccountKind,
  normalSide: AccountRow['normal_side'],
  currency: string,
  chain: string | null = null,
): AccountRef {
  const name = chain === null ? currency : `${chain}:${currency}`;
  return {
    bucket: stripe.lane,
    id: `${stripe.environmentId}:${stripe.lane}:${kind}:${name}`,
    kind,
    normal_side: normalSide,
    currency,
    wallet_id: null,
    chain,
  };
}

/** Tokens that we hold on a chain: an asset. */
export function custody(stripe: Stripe, chain: string, currency: string): AccountRef {
  return stripeAccount(stripe, 'custody', 'debit', currency, chain);
}

/** Fiat money at our bank: an asset. */
export function bank(stripe: Stripe, currency: string): AccountRef {
  return stripeAccount(stripe, 'bank', 'debit', currency);
}

/** Money that arrived and is nobody's here: it is owed to whoever sent it. */
export function suspense(stripe: Stripe, currency: string): AccountRef {
  return stripeAccount(stripe, 'suspense', 'credit', currency);
}

/** Fees earned. */
export function feeRevenue(stripe: Stripe, currency: string): AccountRef {
  return stripeAccount(stripe, 'fee_revenue', 'credit', currency);
}

/** The other side of conversions: a credit says how much of a currency they have brought us, a debit what they cost. */
export function fxPosition(stripe: Stripe, currency: string): AccountRef {
  return stripeAccount(stripe, 'fx_position', 'debit', currency);
}
