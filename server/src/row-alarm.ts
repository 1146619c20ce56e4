import type { Clock } from './platform/clock.ts';
import { limits } from './platform/limits.ts';
import type { Logger } from './platform/logger.ts';
import type { Metrics } from './platform/metrics.ts';

/**
 * Tells the operator of rows that are refused because they are not authentic: each refusal in the metrics, and each row in
 * the log by its table and id, not more often than once a minute.
 */
export function createRowAlarm(
  logger: Logger,
  { rowsNotAuthentic }: Pick<Metrics, 'rowsNotAuthentic'>,
  clock: Clock,
): (table: string, rowId: string) => void {
  const told = new Map<string, number>();
  return (table, rowId) => {
    rowsNotAuthentic.inc({ table });
    const name = `${table}/${rowId}`;
    const nowMs = clock.now();
    if (nowMs - (told.get(name) ?? Number.NEGATIVE_INFINITY) < limits.rowAlarmRestMs) return;
    if (told.size >= limits.rowAlarmEntries) told.clear();
    told.set(name, nowMs);
    logger.error(
      { table, rowId },
      'a row is not authentic and is not used: see "Forged rows" in SECURITY.md',
    );
  };
}
