import { describe, expect, it } from 'vitest';
import { afterSpend, decideSpend, type KnownPayment, type Payment } from './spending.ts';

const payment: Payment = {
  chain: 'ethereum',
  reference: 'txn_1',
  meaning: 'ethereum transfer usdc 40 bob',
  nonce: '7',
  day: '2026-11-23',
  spends: [{ asset: 'usdc', amount: 40n, perDay: 100n }],
};
const nothing = (): bigint => 0n;

function known(of: Payment): KnownPayment {
  return afterSpend(of, undefined, decideSpend(of, undefined, nothing));
}

describe('what a payment adds to the day', () => {
  it('is its amount the first time, and nothing when it is signed again for its place', () => {
    expect(decideSpend(payment, undefined, nothing)).toEqual([{ asset: 'usdc', amount: 40n }]);
    expect(decideSpend(payment, known(payment), () => 40n)).toEqual([]);
  });

  it('is its amount each time where the chain has no places: both versions may take effect', () => {
    const free = { ...payment, chain: 'solana', nonce: null };
    expect(decideSpend(free, known(free), () => 40n)).toEqual([{ asset: 'usdc', amount: 40n }]);
    expect(() => decideSpend(free, known(free), () => 80n)).toThrow(
      'The limit of the day for usdc on solana',
    );
  });

  it('is refused for another payment under the reference', () => {
    const other = { ...payment, meaning: 'ethereum transfer usdc 40 eve' };
    expect(() => decideSpend(other, known(payment), nothing)).toThrow('Another payment was signed');
    expect(() => decideSpend({ ...payment, nonce: '8' }, known(payment), nothing)).toThrow('Another payment');
  });
});
