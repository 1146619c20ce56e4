import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SignerRefusal } from '../chains/errors.ts';
import type { SignRequest } from '../chains/signing.ts';
import { createKeyring } from '../platform/keyring.ts';
import { limits } from '../platform/limits.ts';
import {
  type ProvenTransfer,
  proofKeysOf,
  proveTransfer,
  readProofKeys,
  requireProof,
  writeProofKeys,
} from './transfer-proof.ts';

const key = proofKeysOf(createKeyring([Buffer.alloc(32, 1)]))[0];
const otherKey = proofKeysOf(createKeyring([Buffer.alloc(32, 2)]))[0];
const nowMs = Date.parse('2026-11-30T12:00:00Z');
const dayMs = 24 * 60 * 60 * 1000;
const proven: ProvenTransfer = {
  id: 'txn_1',
  chain: 'base',
  token: 'usdc',
  destination: '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC',
  mostMinor: 9_970_000n,
  walletId: 'cw_1',
  madeAtMs: nowMs,
};

/** A request to pay a transfer, with its own proof or another one. */
function requestOf(asked: ProvenTransfer, text: string | null): SignRequest {
  const { chain, destination, id: reference, mostMinor: amountMinor, token, walletId } = asked;
  const proof = { walletId, text };
  return {
    chain,
    reference,
    intent: { kind: 'transfer', token, amountMinor, destination, proof },
    unsigned: new Uint8Array(),
    terms: '',
  };
}

const check = (asked: ProvenTransfer, text: string | null, keys = [key], atMs = nowMs): string => {
  try {
    requireProof(keys, requestOf(asked, text), atMs);
  } catch (error) {
    if (error instanceof SignerRefusal && error.code === 'not_proven') return error.message;
    throw error;
  }
  return 'proven';
};

describe('a proof', () => {
  const text = proveTransfer(key, proven);

  test('is valid for its own transfer, up to its amount', () => {
    expect(text).toMatch(/^proof\.v1\.[0-9a-f]{8}\.9970000\.\d{13}\.[\w-]{43}$/);
    expect(check(proven, text)).toBe('proven');
    expect(check({ ...proven, mostMinor: 1n }, text)).toBe('proven');
    expect(check({ ...proven, mostMinor: 9_970_001n }, text)).toContain('for a smaller amount');
  });

  test.each<[string, Partial<ProvenTransfer>]>([
    ['transfer', { id: 'txn_2' }],
    ['chain', { chain: 'ethereum' }],
    ['token', { token: 'usdt' }],
    ['address', { destination: '0x71C7656EC7ab88b098defB751B7401B5f6d8976F' }],
    ['wallet', { walletId: 'cw_2' }],
  ])('is invalid for another %s', (_, change) => {
    expect(check({ ...proven, ...change }, text)).toContain(
      'is for another address, token, wallet or transfer',
    );
  });

  test('cannot be forged: its code covers every field', () => {
    const parts = text.split('.');
    for (const [at, value] of [
      [3, '99700000'],
      [4, String(nowMs + 1)],
      [5, 'A'.repeat(43)],
    ] as const) {
      const forged = parts.with(at, value).join('.');
      expect(check(proven, forged)).toContain('is for another address');
    }
    fc.assert(
      fc.property(fc.string(), (noise) => {
        expect(check(proven, noise)).not.toBe('proven');
      }),
    );
  });

  test('must exist, be made with a key of the signer, and not be too old', () => {
    expect(check(proven, null)).toContain('it has no proof');
    expect(check(proven, text, [otherKey])).toContain('the signer does not have the key of its proof');
    expect(check(proven, text, [])).toContain('the signer does not have the key of its proof');
    expect(check(proven, text, [otherKey, key])).toBe('proven');
    const days = limits.transferProofDays;
    expect(check(proven, text, [key], nowMs + days * dayMs)).toBe('proven');
    expect(check(proven, text, [key], nowMs + days * dayMs + 1)).toContain('too old');
    expect(days).toBeLessThan(limits.signerMemoryDays);
  });

  test('is required for payouts only: other intents stay between addresses of the seed', () => {
    const intents = [
      { kind: 'sweep', token: 'usdc', amountMinor: 1n, index: 1 },
      { kind: 'authorised_sweep', token: 'usdc', amountMinor: 1n, index: 1 },
      { kind: 'top_up', amountNative: 1n, index: 1 },
    ] as const;
    for (const intent of intents) requireProof([], { ...requestOf(proven, null), intent }, nowMs);
    const { intent: unproven, ...request } = requestOf(proven, null);
    const { proof: _, ...intent } = unproven as Extract<SignRequest['intent'], { kind: 'transfer' }>;
    expect(() => requireProof([key], { ...request, intent }, nowMs)).toThrow(SignerRefusal);
  });
});

describe('the key file', () => {
  test('round-trips, and rejects any other text', () => {
    expect(readProofKeys(writeProofKeys([key, otherKey]))).toEqual([key, otherKey]);
    for (const text of [
      '',
      '\n',
      'ab'.repeat(32),
      `${writeProofKeys([key])}x\n`,
      writeProofKeys([key]).slice(0, -2),
    ]) {
      expect(() => readProofKeys(text)).toThrow(
        '--proof-key-file: must be a file written by openledger proof-key.',
      );
    }
  });

  test('contains the key of the master key, which differs from every key of the vault', () => {
    expect(proofKeysOf(createKeyring([Buffer.alloc(32, 1)]))[0]).toEqual(key);
    expect(otherKey.id).not.toBe(key.id);
    expect(Buffer.from(key.secret).toString('hex')).not.toContain(key.id);
  });
});
