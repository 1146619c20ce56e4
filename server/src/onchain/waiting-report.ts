import type { Chain } from '../chains/registry.ts';
import type { Logger } from '../platform/logger.ts';

/**
 * Creates the log of why a work on a chain waits. It logs when the reasons change, not in every turn.
 *
 * @param work the plural of what waits, such as `payments`
 * @returns records the reasons of a turn
 */
export function createWaitingReport(
  logger: Logger,
  chain: Chain,
  work: string,
): (notes: readonly string[]) => void {
  let reported = '';
  return (notes) => {
    const text = [...new Set(notes)].sort().join(' ');
    if (text === reported) return;
    reported = text;
    if (text === '') logger.info({ chain }, `${work} are sent again`);
    else logger.warn({ chain, fault: text }, `${work} wait`);
  };
}
