import { expect, test } from 'vitest';
import {
  blockingReasonOf,
  ChainError,
  SignerRefusal,
  type SignerRefusalCode,
  SignerUnavailableError,
} from './errors.ts';

test('a chain is retried, and an unreachable signer stops the turn', () => {
  expect(blockingReasonOf(new ChainError('No node is healthy.'), 'txn_1')).toEqual({
    policy: 'retry',
    text: 'No node is healthy.',
  });
  expect(blockingReasonOf(new SignerUnavailableError('Away.'), 'txn_1').policy).toBe('stop_signing');
});

test.each<[SignerRefusalCode, string]>([
  ['over_transfer_limit', 'refuse'],
  ['over_day_limit', 'retry'],
  ['over_fee_limit', 'retry'],
  ['not_proven', 'ask_operator'],
  ['meaning_differs', 'ask_operator'],
  ['reference_reused', 'ask_operator'],
  ['token_not_allowed', 'ask_operator'],
  ['chain_not_allowed', 'ask_operator'],
  ['invalid_request', 'ask_operator'],
])('a refusal with %s has the policy %s', (code, policy) => {
  expect(blockingReasonOf(new SignerRefusal(code, 'Why.'), 'txn_1').policy).toBe(policy);
});

test('an unproven transfer is named, and a defect is thrown', () => {
  expect(blockingReasonOf(new SignerRefusal('not_proven', 'Why.'), 'txn_1').text).toContain('txn_1');
  expect(() => blockingReasonOf(new RangeError('A defect'), 'txn_1')).toThrow('A defect');
});
