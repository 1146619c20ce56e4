import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ChainError } from '../errors.ts';
import {
  accountBalance,
  broadcastResult,
  constantCall,
  fullBlock,
  header,
  outcome,
  outcomes,
  prices,
  resources,
  solidHeight,
  text,
  word,
} from './responses.ts';
import { readTransfers } from './transfers.ts';

/** Answers of real nodes; each has its source beside it. */
const recorded = JSON.parse(
  readFileSync(new URL('../../../../test/support/fixtures/tron/recorded.json', import.meta.url), 'utf8'),
) as Record<string, { answer: unknown }>;
const answer = (name: string): never => structuredClone(recorded[name]?.answer) as never;
const changed = (name: string, change: (value: never) => void): unknown => {
  const value = answer(name);
  change(value);
  return value;
};

const usdt = 'TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t';

describe('what real nodes have answered', () => {
  test('headers', () => {
    expect(header(answer('header'))).toEqual({
      height: 66_987_565,
      id: '0000000003fe262d52bfa4b2814f816fd2e57af5b98a33d60d8630a03a908e0e',
      parentId: '0000000003fe262c85cd6b02033f4c3e5c1efa35de256a17bd906dc61fb1aeed',
      timestampMs: 1_777_445_121_000,
      isEmpty: false,
    });
    expect(header({})).toBeUndefined();
  });

  test('the solidified block', () => {
    expect(solidHeight(answer('nodeInfo'))).toBe(66_987_547);
    expect(() => solidHeight({ solidityBlock: '' })).toThrow(ChainError);
    expect(() => solidHeight({})).toThrow(ChainError);
  });

  test('outcomes: a transfer of USDT, of TRX, one that ran out of energy, one that was reverted', () => {
    expect(outcome(answer('usdtOutcome'))).toMatchObject({
      height: 66_861_993,
      result: 'called',
      feeSun: 345_000n,
      logs: [{ address: usdt }],
    });
    expect(outcome(answer('trxOutcome'))).toMatchObject({ result: 'no_call', feeSun: 0n, logs: [] });
    expect(outcome(answer('outOfEnergy'))).toMatchObject({ result: 'failed', feeSun: 16_500_120n });
    expect(outcomes(answer('reverted'))).toMatchObject([{ result: 'failed', feeSun: 46_930n }]);
    expect(outcomes(answer('trxOutcomes')).map(({ result }) => result)).toEqual(['no_call', 'no_call']);
    expect(outcome({})).toBeUndefined();
    expect(outcomes({})).toEqual([]);
  });

  test('the transfer in a block of the mainnet', () => {
    const block = { height: 30_864_600, id: 'ab'.repeat(32) };
    const token = { currency: 'usdt', address: usdt, isKnown: true, program: undefined } as const;
    const to = 'TBA6CypYJizwA9XdC7Ubgc5F1bxrQ7SqPt';
    const read = (watched: readonly string[], tokens = new Map([[usdt, token]]), isUnlistedWanted = true) =>
      readTransfers(
        block,
        outcomes(answer('usdtOutcomes')),
        new Set(watched) as never,
        tokens,
        isUnlistedWanted,
      );
    const transfer = {
      txHash: '0af79242191c6728b79e858a36a4b5c65e4e52b9fcee4dc5af30eac57b6d0953',
      ordinal: 0,
      block,
      token: usdt,
      currency: 'usdt',
      from: 'TWpZXLfsvVuQuJZLkdWNY7XY2teePqPpz7',
      to,
      amount: 532_079_999n,
    };
    expect(read([to])).toEqual([transfer]);
    expect(read([usdt])).toEqual([]);
    expect(read([to], new Map())).toMatchObject([{ currency: undefined, token: usdt }]);
    expect(read([to], new Map(), false)).toEqual([]);
  });

  test('calls that were tried', () => {
    expect(word(constantCall(answer('balanceCall')))).toBe(1_087_360_000n);
    expect(constantCall(answer('transferCall'))).toMatchObject({ ok: true, energy: 29_631n });
    expect(constantCall(answer('revertedCall'))).toMatchObject({ ok: false });
    expect(() => word(constantCall(answer('revertedCall')))).toThrow(ChainError);
    expect(() => constantCall(answer('noContract'))).toThrow(/Smart contract is not exist/);
  });

  test('accounts, resources and prices', () => {
    expect(accountBalance(answer('account'))).toBe(1_793_227_200n);
    expect(accountBalance({})).toBeUndefined();
    expect(resources(answer('resources'))).toEqual({ energy: 0n, stakedBandwidth: 0n, freeBandwidth: 159n });
    expect(resources({})).toEqual({ energy: 0n, stakedBandwidth: 0n, freeBandwidth: 0n });
    expect(prices(answer('parameters'))).toEqual({
      energySun: 280n,
      bandwidthSun: 1000n,
      newAccountSun: 1_100_000n,
    });
  });

  test.each([
    ['taken', 'SUCCESS'],
    ['duplicate', 'DUP_TRANSACTION_ERROR'],
    ['expired', 'TRANSACTION_EXPIRATION_ERROR'],
    ['taposError', 'TAPOS_ERROR'],
  ])('a transaction that is offered: %s', (name, code) => {
    expect(broadcastResult(answer(name)).code).toBe(code);
  });

  test('words in hexadecimal', () => {
    expect(text('5472616e73616374696f6e2065787069726564')).toBe('Transaction expired');
    expect(text('Transaction expired')).toBe('Transaction expired');
    expect(text(undefined)).toBe('');
  });
});

describe('malformed answers are refused', () => {
  test.each<[string, (value: unknown) => unknown, unknown]>([
    ['a list for a block', header, []],
    ['no block at all', header, null],
    [
      'a block with the id of another height',
      header,
      changed('header', (block: { block_header: { raw_data: { number: number } } }) => {
        block.block_header.raw_data.number += 1;
      }),
    ],
    ['a block without a header', header, { blockID: '00'.repeat(32) }],
    ['a block that has left its transactions out', fullBlock, recorded.header?.answer],
    ['an outcome without a height that is a number', outcome, { id: '00'.repeat(32), blockNumber: '7' }],
    ['a negative fee', outcome, { id: '00'.repeat(32), blockNumber: 7, blockTimeStamp: 7, fee: -1 }],
    [
      'a fee that no number holds',
      outcome,
      { id: '00'.repeat(32), blockNumber: 7, blockTimeStamp: 7, fee: 2 ** 60 },
    ],
    ['a short id', outcome, { id: '00', blockNumber: 7, blockTimeStamp: 7 }],
    ['outcomes in an object', outcomes, { outcomes: [] }],
    [
      'a log with five topics',
      outcomes,
      changed('usdtOutcomes', (found: { log: { topics: string[] }[] }[]) => {
        const topics = found[1]?.log[0]?.topics ?? [];
        topics.push(topics[0] as string, topics[0] as string);
      }),
    ],
    [
      'a contract with 21 bytes',
      outcomes,
      changed('usdtOutcomes', (found: { log: { address: string }[] }[]) => {
        const log = found[1]?.log[0];
        if (log) log.address = `41${log.address}`;
      }),
    ],
    ['a call without a result', constantCall, {}],
    ['prices without that of energy', prices, { chainParameter: [] }],
    ['a transaction that is offered, without a code', broadcastResult, {}],
  ])('%s', (_, read, value) => {
    expect(() => read(value)).toThrow(ChainError);
  });
});
