import { validationFailed } from '../../http/validate.ts';
import { toIsoTime } from '../../platform/clock.ts';
import { type FaultDetail, invalidRequest, notFound } from '../../platform/errors.ts';
import { bucketOfId } from '../../platform/ids.ts';
import { limits } from '../../platform/limits.ts';
import type { EnvironmentRow } from '../../store/tables/access.ts';
import type { Command, State } from '../../writer/command.ts';
import { type AdvanceClockBody, clockJson } from './schema.ts';

/** The environment of a caller: the id of its current data, and the id of its row. */
export interface SandboxRef {
  readonly id: string;
  readonly rowId: string;
}

/** Faults that the schema cannot express: exactly one of two fields is required. */
export function clockFaults(body: unknown): FaultDetail[] {
  const given = Object.keys((body ?? {}) as object).filter((name) => name === 'seconds' || name === 'to');
  return given.length === 1 ? [] : [{ path: '', message: 'Either `seconds` or `to` must be given.' }];
}

/**
 * Advances a sandbox's clock. The workers then run what has become due.
 *
 * @param realNowMs the real time, in milliseconds since the Unix epoch
 */
export function advanceClock(
  { id, rowId }: SandboxRef,
  body: AdvanceClockBody,
  realNowMs: number,
): Command<string> {
  return {
    name: 'advance_clock',
    environmentId: id,
    bucket: bucketOfId(rowId),
    reads: () => [{ table: 'environments', bucket: bucketOfId(rowId), id: rowId }],
    decide(state) {
      const row = sandboxRow(state, rowId);
      if (!row) return { refusal: notFound('sandbox') };
      const nowMs = realNowMs + Number(row.clock_offset_ms);
      const toMs = body.to === undefined ? nowMs + (body.seconds ?? 0) * 1000 : Date.parse(body.to);
      const path = body.to === undefined ? '/seconds' : '/to';
      // A leap second is a valid date-time without a Unix time.
      if (Number.isNaN(toMs)) {
        return {
          refusal: validationFailed([
            { path, message: '`to` must be a time that exists without leap seconds.' },
          ]),
        };
      }
      if (toMs <= nowMs) {
        const message = `The clock can only be advanced; it is at ${toIsoTime(nowMs)}.`;
        return { refusal: invalidRequest('clock_backwards', message, [{ path, message }]) };
      }
      const offsetMs = toMs - realNowMs;
      if (offsetMs > limits.clockOffsetMs) {
        const message = 'The clock must be at most ten years ahead; reset the sandbox to start again.';
        return { refusal: invalidRequest('clock_too_far', message, [{ path, message }]) };
      }
      return {
        result: clockJson(toMs, offsetMs),
        writes: [{ table: 'environments', row: { ...row, clock_offset_ms: BigInt(offsetMs) } }],
      };
    },
  };
}

/**
 * Resets a sandbox: its keys open a new, empty environment. The books of the old one stay, because books are never changed.
 *
 * @param realNowMs the real time, in milliseconds since the Unix epoch, to which the clock returns
 */
export function resetSandbox({ rowId }: SandboxRef, realNowMs: number): Command<string> {
  const bucket = bucketOfId(rowId);
  return {
    name: 'reset_sandbox',
    // Not the id of the current data: a repeated request must find its idempotency key after the reset.
    environmentId: rowId,
    bucket,
    reads: () => [{ table: 'environments', bucket, id: rowId }],
    decide(state, { newId }) {
      const row = sandboxRow(state, rowId);
      if (!row) return { refusal: notFound('sandbox') };
      const next: EnvironmentRow = { ...row, current_id: newId('env', bucket), clock_offset_ms: 0n };
      return { result: clockJson(realNowMs, 0), writes: [{ table: 'environments', row: next }] };
    },
  };
}

function sandboxRow(state: State, rowId: string): EnvironmentRow | undefined {
  const row = state.get('environments', rowId);
  return row?.kind === 'test' ? row : undefined;
}
