import { describe, expect, it } from 'vitest';
import type { TransactionRow, TransactionStatus } from '../../store/tables/transactions.ts';
import { transactionStatuses } from '../transactions/schema.ts';
import { nextStatuses, transitionPath } from './state.ts';

const chain = (status: TransactionStatus) => ({ payout_account_id: null, status });
const payout = (status: TransactionStatus) => ({ payout_account_id: 'pa_1', status });

type Standing = Pick<TransactionRow, 'payout_account_id' | 'status'>;

describe('nextStatuses', () => {
  // The table of contract §4, Transfers.
  it.each<[TransactionStatus, TransactionStatus[], TransactionStatus[]]>([
    ['in_review', ['funds_received', 'failed'], ['funds_received', 'failed']],
    ['funds_received', ['payment_submitted', 'failed'], ['payment_submitted', 'failed']],
    ['payment_submitted', ['completed', 'failed'], ['payment_processed', 'returned', 'failed']],
    ['payment_processed', [], ['returned']],
    ['completed', [], []],
    ['failed', ['refunded'], ['refunded']],
    ['returned', [], ['refunded']],
    ['refunded', [], []],
  ])('%s: %j on a chain, %j through a bank', (status, onChain, ofPayout) => {
    expect(nextStatuses(chain(status))).toEqual(onChain);
    expect(nextStatuses(payout(status))).toEqual(ofPayout);
  });

  it('has no cycles', () => {
    for (const make of [chain, payout]) {
      for (const status of transactionStatuses) expect(transitionPath(make(status), status)).toBeUndefined();
    }
  });
});

describe('transitionPath', () => {
  it.each<[Standing, TransactionStatus, TransactionStatus[] | undefined]>([
    [chain('in_review'), 'completed', ['funds_received', 'payment_submitted', 'completed']],
    [chain('in_review'), 'refunded', ['failed', 'refunded']],
    [chain('payment_submitted'), 'failed', ['failed']],
    [chain('in_review'), 'returned', undefined],
    [chain('in_review'), 'payment_processed', undefined],
    [chain('completed'), 'refunded', undefined],
    [payout('funds_received'), 'payment_processed', ['payment_submitted', 'payment_processed']],
    [payout('funds_received'), 'returned', ['payment_submitted', 'returned']],
    [payout('funds_received'), 'refunded', ['failed', 'refunded']],
    [payout('payment_submitted'), 'refunded', ['returned', 'refunded']],
    [payout('payment_processed'), 'refunded', ['returned', 'refunded']],
    [payout('payment_processed'), 'failed', undefined],
    [payout('funds_received'), 'completed', undefined],
    [payout('refunded'), 'returned', undefined],
  ])('from %j to %s goes by %j', (row, wanted, way) => {
    expect(transitionPath(row, wanted)).toEqual(way);
  });

  it('takes only steps that may follow each other, from anywhere to anywhere', () => {
    for (const make of [chain, payout]) {
      for (const from of transactionStatuses) {
        for (const to of transactionStatuses) {
          const way = transitionPath(make(from), to);
          if (!way) continue;
          expect(way.at(-1)).toBe(to);
          for (const [index, step] of way.entries()) {
            expect(nextStatuses(make(way[index - 1] ?? from))).toContain(step);
          }
        }
      }
    }
  });
});
