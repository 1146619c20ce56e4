import type { SandboxValue } from '../http/docs/sandbox-values.ts';
import { formatAmount } from '../platform/money.ts';
import type { ExternalAccount } from '../rails/account-types.ts';
import { findReturnCode } from '../rails/return-codes.ts';
import type { BankTerms, TransferTerms } from '../resources/transfers/request.ts';

/**
 * Values that steer the sandbox without extra calls. They are listed in the documentation page; what they choose is
 * kept with the transfer, so that it does the same thing in every process.
 */

/** Every held currency has six decimals, in which the magic amounts are written. */
const amountScale = 6;

/** Whole amounts in minor units, in any held currency. */
const magicAmounts = [
  {
    amountMinor: 66_130_000n,
    outcome: 'fail',
    effect: 'The chain or the bank refuses it: it becomes `failed`, and then `refunded`.',
  },
  {
    amountMinor: 66_170_000n,
    outcome: 'hold_review',
    effect: 'On a chain it stays in its review until it is moved on or cancelled: `in_review`.',
  },
  {
    amountMinor: 66_190_000n,
    outcome: 'hold_payment',
    effect: 'The chain or the bank does not answer until it is moved on: it stays `payment_submitted`.',
  },
] as const;

const outcomeByAmount: ReadonlyMap<bigint, string> = new Map(
  magicAmounts.map(({ amountMinor, outcome }) => [amountMinor, outcome]),
);

/** Addresses that nobody has the key of: what is sent there fails. */
const failingAddresses: ReadonlySet<string> = new Set([
  '0x000000000000000000000000000000000000dEaD',
  '1nc1nerator11111111111111111111111111111111',
]);

/** The end of a US account number that comes back with the ACH code R01 to R29. */
const returnedAccount = /100(\d\d)$/;

/** The same in words, for the documentation page. */
export const sandboxValues: readonly SandboxValue[] = [
  ...magicAmounts.map(({ amountMinor, effect }) => ({
    field: '`amount` of a transfer',
    value: formatAmount(amountMinor, amountScale),
    effect,
  })),
  ...[...failingAddresses].map((value) => ({
    field: '`destinationAddress` of a transfer on a chain',
    value,
    effect: 'The chain refuses it: it becomes `failed`, and then `refunded`.',
  })),
  {
    field: 'the account number of a `us_bank`, paid by `ach` or `ach_same_day`',
    value: '…10001 to …10029',
    effect:
      'Some days after it was processed it comes back with R01 to R29, the code of the last two digits, whatever the ' +
      'amount: it becomes `returned`, and then `refunded`.',
  },
];

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
