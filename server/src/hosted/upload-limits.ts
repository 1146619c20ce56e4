import type { IncomingMessage } from 'node:http';
import { limits } from '../platform/limits.ts';
import { PageError } from './page-error.ts';

/** The limits of uploads: memory and time. */

/** A memory budget for uploads. */
export interface ByteBudget {
  /** @returns a function that releases the bytes; undefined if not enough are left */
  take(bytes: number): (() => void) | undefined;
}

/** @param totalBytes the size of the budget */
export function createByteBudget(totalBytes: number): ByteBudget {
  let takenBytes = 0;
  return {
    take(bytes) {
      if (takenBytes + bytes > totalBytes) return undefined;
      takenBytes += bytes;
      return () => {
        takenBytes -= bytes;
      };
    },
  };
}

/** Watches the speed of an upload. */
export interface Pace {
  /** Aborted with a PageError if the upload is too slow, or takes too long in total. */
  readonly signal: AbortSignal;
  /** The upload waits for the server: the time does not count. */
  hold<Result>(work: Promise<Result>): Promise<Result>;
  end(): void;
}

/** Starts to watch: every window must have a minimum of bytes, and the upload must end in time. */
export function watchPace(body: IncomingMessage): Pace {
  const aborting = new AbortController();
  const abort = (): void => aborting.abort(new PageError('too_slow'));
  let windowBytes = 0;
  let isHeld = false;
  const count = (chunk: Buffer): void => {
    windowBytes += chunk.length;
  };
  const whole = setTimeout(abort, limits.uploadTimeoutMs);
  const windows = setInterval(() => {
    if (windowBytes < limits.uploadWindowBytes && !isHeld && !body.complete) abort();
    windowBytes = 0;
  }, limits.uploadWindowMs);
  body.on('data', count);
  return {
    signal: aborting.signal,
    async hold(work) {
      isHeld = true;
      try {
        return await work;
      } finally {
        isHeld = false;
        // A window in which the upload waited does not count.
        windowBytes = limits.uploadWindowBytes;
      }
    },
    end() {
      clearTimeout(whole);
      clearInterval(windows);
      body.off('data', count);
    },
  };
}
