import type { PayoutTerms } from '../fiat/payouts/request.ts';
import type { ExternalAccount } from '../rails/account-types.ts';
import { findReturnCode } from '../rails/return-codes.ts';
import type { ChainTerms } from '../resources/transfers/request.ts';

/**
 * Test values: request values that select an outcome in the sandbox. `docs/guides/sandbox.md` lists them. The outcome is
 * stored with the transfer, so that every process handles it in the same way.
 */

/** Outcomes by the whole amount, in minor units of six decimals, in any held currency. */
const outcomeByAmount: ReadonlyMap<bigint, string> = new Map([
  [66_130_000n, 'fail'],
  [66_170_000n, 'hold_review'],
  [66_190_000n, 'hold_payment'],
]);

/** Burn addresses, whose key nobody has. Transfers to them fail. */
const failingAddresses: ReadonlySet<string> = new Set([
  '0x000000000000000000000000000000000000dEaD',
  '1nc1nerator11111111111111111111111111111111',
]);

/** The end of a US account number whose payouts are returned with the ACH code R01 to R29. */
const returnedAccount = /100(\d\d)$/;

/** The outcome of a transfer on a simulated chain; null for the default one. */
export function chainOutcome(terms: Pick<ChainTerms, 'address' | 'amountMinor'>): string | null {
  return failingAddresses.has(terms.address) ? 'fail' : (outcomeByAmount.get(terms.amountMinor) ?? null);
}

/** The outcome of a payout by the simulated bank; null for the default one. */
export function bankOutcome({ amountMinor, rail }: PayoutTerms, account: ExternalAccount): string | null {
  const number = account.type === 'us_bank' ? returnedAccount.exec(account.accountNumber)?.[1] : undefined;
  const code = `R${number}`;
  if ((rail === 'ach' || rail === 'ach_same_day') && findReturnCode(rail, code)) return `return:${code}`;
  const outcome = outcomeByAmount.get(amountMinor);
  // Payouts are not reviewed (contract §4, Transfers).
  return outcome === undefined || outcome === 'hold_review' ? null : outcome;
}

/** The return code of an outcome; undefined if the outcome is not a return. */
export function plannedReturn(outcome: string | null): string | undefined {
  return outcome?.startsWith('return:') ? outcome.slice('return:'.length) : undefined;
}
