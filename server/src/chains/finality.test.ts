import { describe, expect, test } from 'vitest';
import { ChainError } from './errors.ts';
import {
  expired,
  finalHeight,
  isMovedBy,
  judgeExpiry,
  judgePayment,
  type Landing,
  outcomeOf,
  type PaymentOutcome,
} from './finality.ts';
import type { Node } from './node.ts';
import type { NodePool } from './node-pool.ts';
import type { Block } from './port.ts';

const landing: Landing = { txHash: '0x1', height: 10, block: 'a', outcome: 'paid' };
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
    { agreement },
    {
      finalHeight: async ({ height }) => finalHeight(height, 3),
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

  test('is final and failed if the chain refused it', async () => {
    const failed: Landing = { ...landing, outcome: 'failed' };
    expect(await judge([failed, failed])).toEqual({ ...final, ok: false });
  });

  test('is unclear if it succeeded without its movement, and never failed (a false "not paid" is worse than waiting)', async () => {
    const unclear: Landing = { ...landing, outcome: 'unclear' };
    expect(await judge([unclear, unclear])).toEqual({ kind: 'unclear', txHash: '0x1', height: 10 });
    expect(await judge([unclear], { head: 11 })).toEqual(waiting);
  });

  test('is judged by a further node if the first ones differ: one node without logs does not beat one with them', async () => {
    const unclear: Landing = { ...landing, outcome: 'unclear' };
    expect(await judge([unclear, landing], { agreement: 2 })).toEqual(waiting);
    expect(await judge([unclear, landing, landing], { agreement: 2 })).toEqual(final);
    expect(await judge([undefined, landing, landing], { agreement: 2 })).toEqual(final);
  });

  test('has not failed while another node than those that must agree reports a success', async () => {
    const failed: Landing = { ...landing, outcome: 'failed' };
    const unclear: Landing = { ...landing, outcome: 'unclear' };
    expect(await judge([failed, landing], { agreement: 1 })).toEqual(waiting);
    expect(await judge([failed, failed, landing], { agreement: 2 })).toEqual(waiting);
    expect(await judge([failed, failed, unclear], { agreement: 2 })).toEqual(waiting);
    expect(await judge([failed, failed, undefined], { agreement: 2 })).toEqual({ ...final, ok: false });
  });

  test('is neither expired nor replaced while any node has it in a block', async () => {
    expect(await judge([undefined, undefined, landing], { agreement: 2 })).toEqual(waiting);
    expect(await judge([undefined, undefined, undefined], { agreement: 2 })).toBe(expired);
  });

  test.each<[string, Partial<Landing>]>([
    ['transaction', { txHash: '0x2' }],
    ['height', { height: 9 }],
    ['block', { block: 'b' }],
    ['result', { outcome: 'failed' }],
    ['movement', { outcome: 'unclear' }],
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

describe('the movement of a payment', () => {
  const payment = { from: 'treasury', to: 'receiver', amount: 100n };

  test.each<[string, boolean, { from?: string; to?: string; amount?: bigint }[]]>([
    ['exactly the payment', true, [{}]],
    ['a payment of which the token keeps a fee', true, [{ amount: 99n }, { to: 'issuer', amount: 1n }]],
    ['nothing', false, []],
    ['another amount', false, [{ amount: 99n }]],
    ['another payer', false, [{ from: 'stranger' }]],
    ['another receiver', false, [{ to: 'thief' }]],
    ['more than the payment', false, [{}, { to: 'thief', amount: 1n }]],
  ])('reported as %s: %s', (_, expected, movements) => {
    const reported = movements.map((movement) => ({ ...payment, ...movement }));
    expect(isMovedBy(reported, payment)).toBe(expected);
  });

  test('makes the outcome of a success clear, and does not matter for a failure', () => {
    expect([outcomeOf(true, true), outcomeOf(true, false)]).toEqual(['paid', 'unclear']);
    expect([outcomeOf(false, true), outcomeOf(false, false)]).toEqual(['failed', 'failed']);
  });
});
