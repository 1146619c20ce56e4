import type { ExternalAccount } from '../../rails/account-types.ts';
import { findReturnCode } from '../../rails/return-codes.ts';
import type { BankTerms, TransferTerms } from './terms.ts';

/**
 * Test values of the sandbox. `docs/guides/sandbox.md` lists them. The outcome that they choose is stored with the transfer, so
 * that every process does the same.
 */

/** Outcomes by the whole amount, in minor units of six decimals, in any held currency. */
const outcomeByAmount: ReadonlyMap<bigint, string> = new Map([
  [66_130_000n, 'fail'],
  [66_170_000n, 'hold_review'],
  [66_190_000n, 'hold_payment'],
]);

/** Addresses that nobody has the key of: what is sent there fails. */
const failingAddresses: ReadonlySet<string> = new Set([
  '0x000000000000000000000000000000000000dEaD',
  '1nc1nerator11111111111111111111111111111111',
]);

/** The end of a US account number that comes back with the ACH code R01 to R29. */
const returnedAccount = /100(\d\d)$/;

/** What the simulated chain will do with a transfer; null for what happens ordinarily. */
export function chainOutcome(terms: Extract<TransferTerms, { kind: 'chain' }>): string | null {
  return failingAddresses.has(terms.address) ? 'fail' : (outcomeByAmount.get(terms.amountMinor) ?? null);
}

/** What the simulated bank will do with a transfer; null for what happens ordinarily. */
export function bankOutcome({ amountMinor, rail }: BankTerms, account: ExternalAccount): string | null {
  const number = account.type === 'us_bank' ? returnedAccount.exec(account.accountNumber)?.[1] : undefined;
  const code = `R${number}`;
  if ((rail === 'ach' || rail === 'ach_same_day') && findReturnCode(rail, code)) return `return:${code}`;
  const outcome = outcomeByAmount.get(amountMinor);
  // Payouts are not reviewed (contract §4, Transfers).
  return outcome === undefined || outcome === 'hold_review' ? null : outcome;
}

/** The code that a transfer is going to be returned with, if it is. */
export function plannedReturn(outcome: string | null): string | undefined {
  return outcome?.startsWith('return:') ? outcome.slice('return:'.length) : undefined;
}
