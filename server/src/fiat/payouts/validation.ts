import { conflict, invalidRequest, type Refusal } from '../../platform/errors.ts';
import { currencyScale, formatAmount } from '../../platform/money.ts';
import { factsOf } from '../../rails/account-types.ts';
import { type OwnerType, railFacts } from '../../rails/rails.ts';
import type { CounterpartyRow } from '../../store/tables/customers.ts';
import type { PayoutTerms } from './request.ts';

/**
 * Checks the counterparty of a payout. It must belong to the customer, be active, and have an account that the rail
 * reaches in the payout's currency.
 *
 * @param counterparty undefined if the environment has none by that id
 * @returns undefined if the payout is allowed
 */
export function refusePayee(
  counterparty: CounterpartyRow | undefined,
  customerId: string,
  { payoutCurrency, rail }: PayoutTerms,
): Refusal | undefined {
  if (counterparty?.customer_id !== customerId) {
    const message = '`destinationAddress` must be a counterparty of the customer.';
    return invalidRequest('counterparty_not_found', message, [{ path: '/destinationAddress', message }]);
  }
  if (counterparty.status !== 'active') {
    return conflict('counterparty_inactive', 'The counterparty must be active.');
  }
  const rails = factsOf(counterparty.account_type).rails;
  if (!rails.includes(rail)) {
    const message = `\`destinationPaymentRail\` must be a rail of a ${counterparty.account_type} account: ${rails.join(', ')}.`;
    return invalidRequest('unsupported_rail', message, [{ path: '/destinationPaymentRail', message }]);
  }
  if (counterparty.currency !== payoutCurrency) {
    const message = `\`destinationCurrency\` must be the currency of the counterparty's account: ${counterparty.currency}.`;
    return invalidRequest('unsupported_currency', message, [{ path: '/destinationCurrency', message }]);
  }
  return undefined;
}

/**
 * Checks the amount that would arrive against the limits of the rail.
 *
 * @returns undefined if the rail pays the amount
 */
export function refusePayoutAmount(
  { expectedMinor, payoutCurrency, rail }: PayoutTerms,
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
    return refuse('amount_too_small', `${arrives}; ${rail} pays at least ${print(min)}.`);
  }
  const max = maxMinor(payoutCurrency, ownerType);
  if (max !== undefined && expectedMinor > max) {
    return refuse('amount_too_large', `${arrives}; ${rail} pays at most ${print(max)}.`);
  }
  return undefined;
}
