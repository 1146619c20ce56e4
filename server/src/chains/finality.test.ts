import { describe, expect, test } from 'vitest';
import { ChainError } from './errors.ts';
import {
  expired,
  finalHeight,
  judgeExpiry,
  judgePayment,
  type Landing,
  type PaymentOutcome,
} from './finality.ts';
import type { Node } from './node.ts';
import type { NodePool } from './node-pool.ts';
import type { Block } from './port.ts';

const landing: Landing = { txHash: '0x1', height: 10, block: 'a', result: 'success', isPaid: true };
const final = { kind: 'final', ok: true, txHash: '0x1', height: 10, feeNative: 7n };
const waiting = { kind: 'waiting', isKnown: true };

function nodeNamed(name: string): Node {
  return {
    name,
    call: async () => {
      throw new ChainError('The judge must not ask nodes itself.');
    },
    close: async () => undefined,
  };
}

/** Judges what each node reports, with a head at height 12 and three confirmations unless stated otherwise. */
function judge(
  reports: readonly (Landing | undefined)[],
  { agreement = reports.length, head = 12, blockIds = ['a', 'a', 'a'] as (string | undefined)[] } = {},
): Promise<PaymentOutcome> {
  const nodes = reports.map((_, index) => nodeNamed(String(index)));
  const pool = {
    choose: async () => ({ height: head, id: 'head' }),
    healthy: () => nodes,
  } as unknown as NodePool<Block>;
  return judgePayment<Block, Landing, PaymentOutcome>(
    pool,
    { agreement, confirmations: 3 },
    {
      findLanding: async ({ name }) => reports[Number(name)],
      blockIdOf: async ({ name }) => blockIds[Number(name)],
      feeOf: async () => 7n,
      judgeMissing: async () => expired,
    },
  );
}

describe('a payment', () => {
  test('is final once its block has all confirmations on every node that must agree', async () => {
    expect(finalHeight(12, 3)).toBe(10);
    expect(await judge([landing, landing])).toEqual(final);
    expect(await judge([landing, landing], { head: 11 })).toEqual(waiting);
  });

  test('is final and failed if nothing has moved', async () => {
    const failed = { ...landing, isPaid: false };
    expect(await judge([failed, failed])).toEqual({ ...final, ok: false });
  });

  test.each<[string, Partial<Landing>]>([
    ['transaction', { txHash: '0x2' }],
    ['height', { height: 9 }],
    ['block', { block: 'b' }],
    ['result', { result: 'reverted' }],
    ['movement', { isPaid: false }],
  ])('waits while nodes report another %s', async (_, other) => {
    expect(await judge([landing, { ...landing, ...other }])).toEqual(waiting);
  });

  test('waits while one node does not have it, or its block is not the one at its height', async () => {
    expect(await judge([landing, undefined])).toEqual(waiting);
    expect(await judge([undefined, landing])).toEqual(waiting);
    expect(await judge([landing, landing], { blockIds: ['a', 'b'] })).toEqual(waiting);
    expect(await judge([landing, landing], { blockIds: [undefined, undefined] })).toEqual(waiting);
  });

  test('is judged by its family if no node has it', async () => {
    expect(await judge([undefined, undefined])).toBe(expired);
  });

  test('is not judged by too few nodes', async () => {
    await expect(judge([landing], { agreement: 2 })).rejects.toThrow(
      '2 nodes must agree, but only 1 respond.',
    );
  });
});

test('an attempt has expired only if every node proves it', async () => {
  const nodes = [nodeNamed('0'), nodeNamed('1')];
  expect(await judgeExpiry(nodes, true, async () => true)).toEqual({ kind: 'waiting', isKnown: false });
  expect(await judgeExpiry(nodes, false, async ({ name }) => name === '0')).toEqual(waiting);
  expect(await judgeExpiry(nodes, false, async () => true)).toBe(expired);
});
