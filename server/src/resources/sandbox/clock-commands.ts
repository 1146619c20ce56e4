import { validationFailed } from '../../http/validate.ts';
import { toIsoTime } from '../../platform/clock.ts';
import { type FaultDetail, invalidRequest, notFound } from '../../platform/errors.ts';
import { bucketOfId } from '../../platform/ids.ts';
import { limits } from '../../platform/limits.ts';
import type { EnvironmentRow } from '../../store/rows.ts';
import type { Command, State } from '../../writer/command.ts';
import { type AdvanceClockBody, clockJson } from './schema.ts';

/** The environment of a caller: what its data lies under, and its own row. */
export interface SandboxRef {
  readonly id: string;
  readonly rowId: string;
}

/** Faults that the schema cannot say: it is one of the two fields. */
export function clockFaults(body: unknown): FaultDetail[] {
  const given = Object.keys((body ?? {}) as object).filter((name) => name === 'seconds' || name === 'to');
  return given.length === 1 ? [] : [{ path: '', message: 'Give either `seconds` or `to`.' }];
}

/**
 * Moves a sandbox's clock forward. What has become due by then is done by the workers, moments later.
 *
 * @param ourNowMs our own time, in milliseconds since the Unix epoch
 */
export function advanceClock(
  { id, rowId }: SandboxRef,
  body: AdvanceClockBody,
  ourNowMs: number,
): Command<string> {
  return {
    name: 'advance_clock',
    environmentId: id,
    bucket: bucketOfId(rowId),
    reads: () => [{ table: 'environments', bucket: bucketOfId(rowId), id: rowId }],
    decide(state) {
      const row = sandboxRow(state, rowId);
      if (!row) return { refusal: notFound('sandbox') };
      const nowMs = ourNowMs + Number(row.clock_offset_ms);
      const toMs = body.to === undefined ? nowMs + (body.seconds ?? 0) * 1000 : Date.parse(body.to);
      const path = body.to === undefined ? '/seconds' : '/to';
      // A leap second, say, is a valid date-time that our clock never shows.
      if (Number.isNaN(toMs)) {
        return { refusal: validationFailed([{ path, message: 'There is no such time on our clock.' }]) };
      }
      if (toMs <= nowMs) {
        const message = `A clock only moves forward; it stands at ${toIsoTime(nowMs)}.`;
        return { refusal: invalidRequest('clock_backwards', message, [{ path, message }]) };
      }
      const offsetMs = toMs - ourNowMs;
      if (offsetMs > limits.clockOffsetMs) {
        const message = 'The clock can be ten years ahead at most; reset the sandbox to start again.';
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
 * Empties a sandbox: its keys open a new, empty environment from now on. The books of the old one stay as they are,
 * since what they say is never changed.
 *
 * @param ourNowMs our own time, in milliseconds since the Unix epoch: the clock is back to it
 */
export function resetSandbox({ rowId }: SandboxRef, ourNowMs: number): Command<string> {
  const bucket = bucketOfId(rowId);
  return {
    name: 'reset_sandbox',
    // Not what its data lies under: a repeated request must find its key after the reset too.
    environmentId: rowId,
    bucket,
    reads: () => [{ table: 'environments', bucket, id: rowId }],
    decide(state, { newId }) {
      const row = sandboxRow(state, rowId);
      if (!row) return { refusal: notFound('sandbox') };
      const next: EnvironmentRow = { ...row, current_id: newId('env', bucket), clock_offset_ms: 0n };
      return { result: clockJson(ourNowMs, 0), writes: [{ table: 'environments', row: next }] };
    },
  };
}

function sandboxRow(state: State, rowId: string): EnvironmentRow | undefined {
  const row = state.get('environments', rowId);
  return row?.kind === 'test' ? row : undefined;
}
