import { limits } from './limits.ts';
import type { Logger } from './logger.ts';

/** A loop that polls for work. */
export interface Worker {
  /** Polls immediately. */
  wake(): void;
  /** Stops once the running turn has ended. */
  stop(): Promise<void>;
}

/**
 * Runs `turn` in a loop: again immediately while it finds work, else after `restMs` or when it is woken. A turn that fails
 * is logged and retried after `limits.workerErrorDelayMs`.
 *
 * @param turn returns whether it found work
 */
export function startWorker(
  name: string,
  logger: Logger,
  restMs: number,
  turn: () => Promise<boolean>,
): Worker {
  let stopped = false;
  let wakened = false;
  let wakeUp: (() => void) | undefined;

  const rest = (timeMs: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(done, timeMs);
      wakeUp = done;
      function done(): void {
        clearTimeout(timer);
        wakeUp = undefined;
        resolve();
      }
    });

  const run = async (): Promise<void> => {
    while (!stopped) {
      wakened = false;
      try {
        const foundWork = await turn();
        if (!foundWork && !wakened && !stopped) await rest(restMs);
      } catch (error) {
        logger.error({ err: error, worker: name }, 'a worker failed; it will retry');
        if (!stopped) await rest(limits.workerErrorDelayMs);
      }
    }
  };

  const running = run();
  return {
    wake() {
      wakened = true;
      wakeUp?.();
    },
    async stop() {
      stopped = true;
      wakeUp?.();
      await running;
    },
  };
}
