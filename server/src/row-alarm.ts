import type { Clock } from './platform/clock.ts';
import { limits } from './platform/limits.ts';
import type { Logger } from './platform/logger.ts';
import type { Metrics } from './platform/metrics.ts';

/**
 * Creates the alarm for rows that are refused because they are not authentic. It counts each refusal in the metrics, and logs
 * each row by table and id, at most once a minute.
 */
export function createRowAlarm(
  logger: Logger,
  { rowsNotAuthentic }: Pick<Metrics, 'rowsNotAuthentic'>,
  clock: Clock,
): (table: string, rowId: string) => void {
  const loggedAtMs = new Map<string, number>();
  return (table, rowId) => {
    rowsNotAuthentic.inc({ table });
    const name = `${table}/${rowId}`;
    const nowMs = clock.now();
    if (nowMs - (loggedAtMs.get(name) ?? Number.NEGATIVE_INFINITY) < limits.rowAlarmRestMs) return;
    if (loggedAtMs.size >= limits.rowAlarmEntries) loggedAtMs.clear();
    loggedAtMs.set(name, nowMs);
    logger.error(
      { table, rowId },
      'a row is not authentic and is not used: see "Forged rows" in SECURITY.md',
    );
  };
}
