import { setTimeout as sleep } from 'node:timers/promises';
import { limits } from '../platform/limits.ts';
import type { Logger } from '../platform/logger.ts';
import type { Attempt } from './attempts.ts';

/** Batches attempts: those that arrive while a batch is being recorded form the next one. */
export interface Recorder {
  add(attempt: Attempt): void;
  /** Resolves once every added attempt has been recorded or has failed. */
  drain(): Promise<void>;
}

/** @param record records attempts. A failure is logged; the attempts are made again once their claims expire */
export function createRecorder(
  record: (attempts: readonly Attempt[]) => Promise<void>,
  logger: Logger,
): Recorder {
  let waiting: Attempt[] = [];
  let working: Promise<void> | undefined;
  const work = async (): Promise<void> => {
    await new Promise(setImmediate);
    while (waiting.length > 0) {
      const attempts = waiting.slice(0, limits.deliveryRecordRows);
      waiting = waiting.slice(limits.deliveryRecordRows);
      try {
        await record(attempts);
      } catch (error) {
        logger.error({ err: error, attempts: attempts.length }, 'deliveries could not be recorded');
        await sleep(limits.workerErrorDelayMs);
      }
    }
    working = undefined;
  };
  return {
    add(attempt) {
      waiting.push(attempt);
      working ??= work();
    },
    async drain() {
      while (working) await working;
    },
  };
}
