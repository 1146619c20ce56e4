import type { PayoutTerms } from '../fiat/payouts/request.ts';
import type { SandboxValue } from '../http/docs/sandbox-values.ts';
import { formatAmount } from '../platform/money.ts';
import type { ExternalAccount } from '../rails/account-types.ts';
import { findReturnCode } from '../rails/return-codes.ts';
import type { ChainTerms } from '../resources/transfers/request.ts';

/**
 * Test values: request values that select an outcome in the sandbox. The documentation page lists them. The outcome is
 * stored with the transfer, so that every process handles it in the same way.
 */

/** The decimals of every currency that a wallet holds. */
const amountScale = 6;

/** Amounts in minor units of any currency that a wallet holds. */
const testAmounts = [
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
  testAmounts.map(({ amountMinor, outcome }) => [amountMinor, outcome]),
);

/** Burn addresses, whose key nobody has. Transfers to them fail. */
const failingAddresses: ReadonlySet<string> = new Set([
  '0x000000000000000000000000000000000000dEaD',
  '1nc1nerator11111111111111111111111111111111',
]);

/** The end of a US account number whose payouts are returned with the ACH code R01 to R29. */
const returnedAccount = /100(\d\d)$/;

/** The test values as the documentation page shows them. */
export const sandboxValues: readonly SandboxValue[] = [
  ...testAmounts.map(({ amountMinor, effect }) => ({
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
