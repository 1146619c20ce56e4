import { describe, expect, it } from 'vitest';
import { SignerRefusal } from '../chains/errors.ts';
import { afterSigning, decidePayment, type Payment, type SignedPayment } from './signing-record.ts';

const startMs = Date.parse('2026-11-23T12:00:00Z');
const payment: Payment = {
  chain: 'ethereum',
  reference: 'txn_1',
  intent: 'ethereum transfer usdc 40 bob',
  nonce: '7',
  transaction: { id: '0xfirst', unsigned: Uint8Array.of(1), terms: '', validity: null },
  replaces: undefined,
  spends: [{ asset: 'usdc', amount: 40n, perDay: 100n }],
  atMs: startMs,
  signAgainAfterMs: 60_000,
};
const other = { id: '0xsecond', unsigned: Uint8Array.of(2), terms: '', validity: null };
const unspent = (): bigint => 0n;

function known(of: Payment): SignedPayment {
  return afterSigning(of, undefined, decidePayment(of, undefined, unspent) ?? []);
}

function refusalOf(decide: () => unknown): { code: string; signedId: string | undefined } {
  try {
    decide();
  } catch (error) {
    if (error instanceof SignerRefusal) return { code: error.code, signedId: error.signedId };
    throw error;
  }
  throw new Error('It must be refused');
}

describe('one reference on a chain with nonces', () => {
  it('counts its amount once, and a replacement only what its fee has grown by', () => {
    expect(decidePayment(payment, undefined, unspent)).toEqual([{ asset: 'usdc', amount: 40n }]);
    expect(decidePayment({ ...payment, transaction: other }, known(payment), () => 100n)).toEqual([]);
    const spends = [...payment.spends, { asset: 'native', amount: 5n, perDay: 100n }];
    expect(decidePayment({ ...payment, transaction: other, spends }, known(payment), () => 60n)).toEqual([
      { asset: 'native', amount: 5n },
    ]);
  });

  it('gives the same bytes the same signature, although the limits are reached by now', () => {
    expect(decidePayment(payment, known(payment), () => 100n)).toBeUndefined();
  });

  it('is refused with another nonce, and for another payment', () => {
    const reused = { code: 'reference_reused', signedId: '0xfirst' };
    for (const change of [{ nonce: '8' }, { intent: 'ethereum transfer usdc 40 eve' }]) {
      const changed = { ...payment, transaction: other, ...change };
      expect(refusalOf(() => decidePayment(changed, known(payment), unspent))).toEqual(reused);
    }
  });
});

describe('one reference on a chain where transactions expire', () => {
  const validity = { from: 1000, until: 1150, endsAtMs: startMs + 57_000 };
  const first: Payment = {
    ...payment,
    chain: 'solana',
    nonce: null,
    transaction: { ...payment.transaction, validity },
  };
  const later: Payment = {
    ...first,
    transaction: { ...other, validity: { from: 1151, until: 1301, endsAtMs: startMs + 120_000 } },
    replaces: '0xfirst',
    atMs: startMs + 60_000,
  };

  it('is signed again after the last transaction has expired, and counts against a limit of its own', () => {
    expect(decidePayment(later, known(first), (asset) => (asset === 'usdc' ? 100n : 0n))).toEqual([
      { asset: 'usdc again', amount: 40n },
    ]);
    const lies = () => decidePayment(later, known(first), (asset) => (asset === 'usdc again' ? 80n : 0n));
    expect(refusalOf(lies)).toEqual({ code: 'over_day_limit', signedId: '0xfirst' });
    expect(afterSigning(later, known(first), [{ asset: 'usdc again', amount: 40n }]).counted).toEqual({
      usdc: 40n,
    });
  });

  it.each<[string, string, Partial<Payment>]>([
    ['a caller that does not know of it', 'signed_before', { replaces: undefined }],
    ['a caller that knows another one', 'signed_before', { replaces: '0xzero' }],
    [
      'a block that may come before its end',
      'not_expired',
      { transaction: { ...other, validity: { from: 1150, until: 1300, endsAtMs: null } } },
    ],
    ['a moment too early by the own clock', 'not_expired', { atMs: startMs + 59_999 }],
    ['another amount', 'reference_reused', { intent: 'solana transfer usdc 41 bob' }],
  ])('is refused for %s', (_, code, change) => {
    const refusal = refusalOf(() => decidePayment({ ...later, ...change }, known(first), unspent));
    expect(refusal).toEqual({ code, signedId: '0xfirst' });
  });

  it('is refused before the time in the bytes, however long ago it was signed', () => {
    const long = { ...first.transaction, validity: { ...validity, endsAtMs: startMs + 90_000 } };
    const refusal = refusalOf(() => decidePayment(later, known({ ...first, transaction: long }), unspent));
    expect(refusal.code).toBe('not_expired');
  });

  it('of which an older version kept no transaction is signed again after the time only', () => {
    const former = { ...known(first), last: undefined };
    expect(decidePayment({ ...later, replaces: undefined }, former, unspent)).toHaveLength(1);
    const soon = { ...later, atMs: startMs + 1 };
    expect(refusalOf(() => decidePayment(soon, former, unspent)).code).toBe('not_expired');
  });
});
