import type { IncomingMessage } from 'node:http';
import { limits } from '../platform/limits.ts';
import { PageError } from './page-error.ts';

/** What uploads may take of the process: memory and time. */

/** Memory that is shared out among uploads. */
export interface ByteBudget {
  /** @returns what gives the bytes back; undefined when there are not so many left */
  take(bytes: number): (() => void) | undefined;
}

/** @param totalBytes what may be taken at a time */
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

/** Watches how fast an upload comes. */
export interface Pace {
  /** Aborted with a PageError once the upload is too slow, or takes too long as a whole. */
  readonly signal: AbortSignal;
  /** The upload waits for us: the time does not count. */
  hold<Result>(work: Promise<Result>): Promise<Result>;
  end(): void;
}

/** Starts to watch: every window must bring some bytes, and the whole must end in time. */
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
        // What was held up cannot make up for it in the rest of the window.
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
