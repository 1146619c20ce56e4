import { bucketOfId } from '../platform/ids.ts';
import type { AccountKind, AccountRow } from '../store/tables/ledger.ts';

/**
 * An account by its id and the facts that the id implies, so that no lookup is needed before money moves. The first journal
 * that posts to an account opens it.
 */
export type AccountRef = Pick<
  AccountRow,
  'bucket' | 'id' | 'kind' | 'normal_side' | 'currency' | 'wallet_id' | 'chain'
>;

/** The part of the house's accounts that a lane writes. The balance of such an account is the sum over all lanes. */
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

/** What the customer can spend: a liability. */
export function walletAvailable(walletId: string, currency: string): AccountRef {
  return walletAccount('wallet_available', walletId, currency);
}

/** What has left the available balance and not reached its destination yet: still a liability to the customer. */
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

/** Tokens held on a chain: an asset. */
export function custody(stripe: Stripe, chain: string, currency: string): AccountRef {
  return stripeAccount(stripe, 'custody', 'debit', currency, chain);
}

/** Fiat money at the bank: an asset. */
export function bank(stripe: Stripe, currency: string): AccountRef {
  return stripeAccount(stripe, 'bank', 'debit', currency);
}

/** Money that arrived and cannot be credited: a liability to its sender. */
export function suspense(stripe: Stripe, currency: string): AccountRef {
  return stripeAccount(stripe, 'suspense', 'credit', currency);
}

/** What has left the sender of an internal transfer and not reached the receiver yet: a liability to the receiver. */
export function internalTransit(stripe: Stripe, currency: string): AccountRef {
  return stripeAccount(stripe, 'internal_transit', 'credit', currency);
}

/** Fees earned: income. */
export function feeRevenue(stripe: Stripe, currency: string): AccountRef {
  return stripeAccount(stripe, 'fee_revenue', 'credit', currency);
}

/** The counterpart of conversions: credits are amounts of a currency received by them, debits are amounts given. */
export function fxPosition(stripe: Stripe, currency: string): AccountRef {
  return stripeAccount(stripe, 'fx_position', 'debit', currency);
}

/** What the house has lost on chains, such as deposits that a reorganisation removed after they had been spent: an expense. */
export function chainLoss(stripe: Stripe, currency: string): AccountRef {
  return stripeAccount(stripe, 'chain_loss', 'debit', currency);
}
