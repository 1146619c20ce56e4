import { describe, expect, it } from 'vitest';
import { afterSpend, decideSpend, type Payment, type SignedPayment } from './policy.ts';

const payment: Payment = {
  chain: 'ethereum',
  reference: 'txn_1',
  intent: 'ethereum transfer usdc 40 bob',
  nonce: '7',
  day: '2026-11-23',
  spends: [{ asset: 'usdc', amount: 40n, perDay: 100n }],
};
const unspent = (): bigint => 0n;

function known(of: Payment): SignedPayment {
  return afterSpend(of, undefined, decideSpend(of, undefined, unspent));
}

describe('what a payment adds to the day', () => {
  it('is its amount the first time, and 0 when it is signed again for its nonce', () => {
    expect(decideSpend(payment, undefined, unspent)).toEqual([{ asset: 'usdc', amount: 40n }]);
    expect(decideSpend(payment, known(payment), () => 40n)).toEqual([]);
  });

  it('is its amount each time on a chain without nonces: both versions may take effect', () => {
    const free = { ...payment, chain: 'solana', nonce: null };
    expect(decideSpend(free, known(free), () => 40n)).toEqual([{ asset: 'usdc', amount: 40n }]);
    expect(() => decideSpend(free, known(free), () => 80n)).toThrow('The limit per day for usdc on solana');
  });

  it('is refused for another payment under the reference', () => {
    const other = { ...payment, intent: 'ethereum transfer usdc 40 eve' };
    expect(() => decideSpend(other, known(payment), unspent)).toThrow('Another payment was signed');
    expect(() => decideSpend({ ...payment, nonce: '8' }, known(payment), unspent)).toThrow('Another payment');
  });
});
