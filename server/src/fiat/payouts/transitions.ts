import { toIsoTime } from '../../platform/clock.ts';
import { assert } from '../../platform/errors.ts';
import { findReturnCode } from '../../rails/return-codes.ts';
import { returnDeadlineMs, settlementOf } from '../../rails/settlement.ts';
import { traceId } from '../../rails/trace-ids.ts';
import type { ConversionRate } from '../../rates/conversion.ts';
import { priceOf } from '../../resources/transfers/pricing.ts';
import { type Cause, railOf } from '../../resources/transfers/state.ts';
import { sandboxBank } from '../../simulator/bank/identity.ts';
import type { TransactionRow } from '../../store/tables/transactions.ts';

/**
 * The payout once the bank has it: converted at the current rate, with its trace id and expected arrival.
 *
 * @param nowMs milliseconds since the Unix epoch, by the environment's clock
 */
export function submittedPayout(
  row: TransactionRow,
  nowMs: number,
  conversion: ConversionRate | undefined,
): TransactionRow {
  const rail = railOf(row);
  return {
    ...row,
    ...priceOf(row, conversion),
    trace_id: traceId(rail, { seed: row.id, nowMs, sender: sandboxBank }),
    estimated_arrival_at: toIsoTime(settlementOf(rail, nowMs).settlesAtMs),
  };
}

/** The cause of a return: the code and its meaning on the payout's rail. */
export function returnCause(row: TransactionRow, code: string): Cause {
  const known = findReturnCode(railOf(row), code);
  assert(known, 'a return has a code of its rail');
  return { code, text: known.reason };
}

/**
 * The latest time at which a processed payout comes back with a code.
 *
 * @param nowMs counts as the time of settlement if the payout has no expected arrival
 * @returns milliseconds since the Unix epoch, never before `nowMs`
 */
export function returnTimeMs(row: TransactionRow, code: string, nowMs: number): number {
  const settledAtMs = Date.parse(row.estimated_arrival_at ?? toIsoTime(nowMs));
  return Math.max(nowMs, returnDeadlineMs(railOf(row), settledAtMs, code));
}
