import { limits } from './limits.ts';
import type { Logger } from './logger.ts';

/** A worker that looks for work again and again. */
export interface Worker {
  /** Looks now instead of at the next turn. */
  wake(): void;
  /** Ends after the turn that is running. */
  stop(): Promise<void>;
}

/**
 * Runs `turn` again and again: at once while it finds work, else after a rest or when it is woken. A turn that fails
 * is logged and tried again later.
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
        logger.error({ err: error, worker: name }, 'a worker failed; it will try again');
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
