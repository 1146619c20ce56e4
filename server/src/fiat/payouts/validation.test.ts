import { describe, expect, it } from 'vitest';
import type { FiatCode } from '../../rails/fiat.ts';
import type { OwnerType, Rail } from '../../rails/rails.ts';
import { refusePayoutAmount } from './validation.ts';

function refuse(rail: Rail, payoutCurrency: FiatCode, expectedMinor: bigint, owner: OwnerType) {
  const amount = { currency: 'usdc', amountMinor: 2n, feeMinor: 1n } as const;
  const terms = {
    ...amount,
    kind: 'bank',
    rail,
    payoutCurrency,
    expectedMinor,
    counterpartyId: 'pa_1',
  } as const;
  return refusePayoutAmount(terms, owner);
}

describe('an amount', () => {
  const bounds: [Rail, FiatCode, OwnerType, min: bigint, max: bigint | undefined][] = [
    ['ach', 'usd', 'business', 1_00n, undefined],
    ['ach_same_day', 'usd', 'business', 1n, 1_000_000_00n],
    ['wire', 'usd', 'individual', 1n, undefined],
    ['rtp', 'usd', 'individual', 1n, 10_000_000_00n],
    ['fednow', 'usd', 'individual', 1n, 10_000_000_00n],
    ['sepa', 'eur', 'individual', 1n, undefined],
    ['faster_payments', 'gbp', 'individual', 1n, 1_000_000_00n],
    ['spei', 'mxn', 'individual', 50_00n, undefined],
    ['pix', 'brl', 'individual', 10_00n, undefined],
    ['swift', 'gbp', 'business', 1n, undefined],
    ['nip', 'ngn', 'individual', 1n, 5_000_000_00n],
    ['nip', 'ngn', 'business', 1n, 10_000_000_00n],
    ['ghipss', 'ghs', 'individual', 1n, undefined],
    ['mobile_money', 'xof', 'individual', 1n, undefined],
  ];
  it.each(bounds)('of %s in %s to %s lies within its bounds', (rail, currency, owner, min, max) => {
    const check = (minor: bigint) => refuse(rail, currency, minor, owner)?.message;
    expect(check(min)).toBeUndefined();
    expect(check(min - 1n)).toMatch(/ pays at least /);
    expect(check(max ?? 10n ** 15n)).toBeUndefined();
    if (max !== undefined) expect(check(max + 1n)).toMatch(/ pays at most /);
  });

  it('is printed in its currency’s own decimals', () => {
    expect(refuse('nip', 'ngn', 5_000_000_01n, 'individual')).toMatchObject({
      reason: 'amount_too_large',
      message: 'About 5000000.01 ngn would arrive; nip pays at most 5000000.00 ngn.',
    });
    expect(refuse('mobile_money', 'ugx', 0n, 'individual')).toMatchObject({
      reason: 'amount_too_small',
      message: 'About 0 ugx would arrive; mobile_money pays at least 1 ugx.',
    });
  });
});
