import { conflict, invalidRequest, type Refusal } from '../../platform/errors.ts';
import { currencyScale, formatAmount } from '../../platform/money.ts';
import { factsOf } from '../../rails/account-types.ts';
import { type OwnerType, railFacts } from '../../rails/rails.ts';
import type { CounterpartyRow, TransactionRow, TransactionStatus, WalletRow } from '../../store/rows.ts';
import type { BankTerms, TransferTerms } from './request.ts';

/** Whether a transfer is paid out by a bank rather than sent on a chain. */
export function isPayout(row: Pick<TransactionRow, 'payout_account_id'>): boolean {
  return row.payout_account_id !== null;
}

/** Whether a transfer on a chain arrives in another currency than it left in. */
export function isConvertedOnChain(
  row: Pick<TransactionRow, 'destination_currency' | 'payout_account_id' | 'source_currency'>,
): boolean {
  return !isPayout(row) && row.destination_currency !== row.source_currency;
}

const followersOnChain: Partial<Record<TransactionStatus, readonly TransactionStatus[]>> = {
  in_review: ['funds_received', 'failed'],
  funds_received: ['payment_submitted', 'failed'],
  payment_submitted: ['completed', 'failed'],
  failed: ['refunded'],
};

const followersOfPayout: Partial<Record<TransactionStatus, readonly TransactionStatus[]>> = {
  in_review: ['funds_received', 'failed'],
  funds_received: ['payment_submitted', 'failed'],
  payment_submitted: ['payment_processed', 'returned', 'failed'],
  payment_processed: ['returned'],
  failed: ['refunded'],
  returned: ['refunded'],
};

/** The statuses that can follow a transfer's own (contract §4, Transfers), the ordinary one first. */
export function followersOf(
  row: Pick<TransactionRow, 'payout_account_id' | 'status'>,
): readonly TransactionStatus[] {
  return (isPayout(row) ? followersOfPayout : followersOnChain)[row.status] ?? [];
}

/**
 * The statuses on the shortest way to one that is wanted, it included.
 *
 * @returns undefined when no way leads there
 */
export function wayTo(
  row: Pick<TransactionRow, 'payout_account_id' | 'status'>,
  wanted: TransactionStatus,
): TransactionStatus[] | undefined {
  let ways: TransactionStatus[][] = [[]];
  while (ways.length > 0) {
    const longer = ways.flatMap((way) =>
      followersOf({ ...row, status: way.at(-1) ?? row.status }).map((next) => [...way, next]),
    );
    const found = longer.find((way) => way.at(-1) === wanted);
    if (found) return found;
    ways = longer;
  }
  return undefined;
}

/** Why a transfer cannot be cancelled; undefined when it can. */
export function refuseCancel(row: TransactionRow): Refusal | undefined {
  if (row.status === 'in_review') return undefined;
  return conflict(
    'transfer_not_cancelable',
    `The transfer is ${row.status}: only one that is in_review can be cancelled.`,
  );
}

/**
 * Why money may not leave a wallet.
 *
 * @param wallet undefined when the environment has none by that id
 * @param availableMinor what is in it of the currency
 */
export function refuseWithdrawal(
  wallet: WalletRow | undefined,
  customerId: string,
  availableMinor: bigint,
  { amountMinor, currency }: TransferTerms,
): Refusal | undefined {
  if (wallet?.customer_id !== customerId) {
    const message = 'The customer has no such wallet.';
    return invalidRequest('wallet_not_found', message, [{ path: '/walletId', message }]);
  }
  if (wallet.status !== 'active') {
    return conflict(`wallet_${wallet.status}`, `The wallet is ${wallet.status}: nothing can leave it.`);
  }
  if (availableMinor < amountMinor) {
    const scale = currencyScale[currency];
    const message = `The wallet has ${formatAmount(availableMinor, scale)} ${currency} available.`;
    return invalidRequest('insufficient_funds', message, [{ path: '/amount', message }]);
  }
  return undefined;
}

/**
 * Why a transfer cannot be paid out to a counterparty: it must be the customer's own, active, and reached by the rail.
 *
 * @param counterparty undefined when the environment has none by that id
 */
export function refusePayee(
  counterparty: CounterpartyRow | undefined,
  customerId: string,
  { payoutCurrency, rail }: BankTerms,
): Refusal | undefined {
  if (counterparty?.customer_id !== customerId) {
    const message = 'The customer has no such counterparty.';
    return invalidRequest('counterparty_not_found', message, [{ path: '/destinationAddress', message }]);
  }
  if (counterparty.status !== 'active') {
    return conflict('counterparty_inactive', 'The counterparty is inactive: nothing is paid to it.');
  }
  const rails = factsOf(counterparty.account_type).rails;
  if (!rails.includes(rail)) {
    const message = `The counterparty is a ${counterparty.account_type}, which ${rails.join(', ')} can pay to.`;
    return invalidRequest('unsupported_rail', message, [{ path: '/destinationPaymentRail', message }]);
  }
  if (counterparty.currency !== payoutCurrency) {
    const message = `The counterparty's account is in ${counterparty.currency}.`;
    return invalidRequest('unsupported_currency', message, [{ path: '/destinationCurrency', message }]);
  }
  return undefined;
}

/** Why the rail does not pay such an amount: what would arrive is too little or too much for it. */
export function refusePayoutAmount(
  { expectedMinor, payoutCurrency, rail }: BankTerms,
  ownerType: OwnerType,
): Refusal | undefined {
  const { maxMinor, minMinor } = railFacts(rail);
  const print = (minor: bigint): string =>
    `${formatAmount(minor, currencyScale[payoutCurrency])} ${payoutCurrency}`;
  const refuse = (reason: string, message: string): Refusal =>
    invalidRequest(reason, message, [{ path: '/amount', message }]);
  const arrives = `About ${print(expectedMinor)} would arrive`;
  const min = minMinor(payoutCurrency);
  if (expectedMinor < min) {
    return refuse('amount_too_small', `${arrives}; ${rail} pays ${print(min)} at least.`);
  }
  const max = maxMinor(payoutCurrency, ownerType);
  if (max !== undefined && expectedMinor > max) {
    return refuse('amount_too_large', `${arrives}; ${rail} pays ${print(max)} at most.`);
  }
  return undefined;
}
