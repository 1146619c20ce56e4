import type { Clock } from '../platform/clock.ts';
import { authenticatedColumns } from './authenticated-rows.ts';
import type { Pool } from './pool.ts';

/** What time it is in each environment: a sandbox's clock can be moved forward (contract §4, Sandbox). */
export interface EnvironmentClocks {
  /** Milliseconds since the Unix epoch, by the environment's clock. */
  nowIn(environmentId: string): number;
  /** Milliseconds that the environment's clock is ahead of ours; 0 for most. */
  offsetMs(environmentId: string): number;
  /** The latest time that any environment's clock shows. */
  latestMs(): number;
  /** Reads the offsets anew: what this or another process has changed counts from then on. */
  refresh(): Promise<void>;
}

/** Clocks that read their offsets from the database. They stand at our own time until the first `refresh`. */
export function createEnvironmentClocks(pool: Pool, clock: Clock): EnvironmentClocks {
  let offsets = new Map<string, number>();
  let last: Promise<void> = Promise.resolve();
  const read = async (): Promise<void> => {
    const { rows } = await pool.query<{ current_id: string; clock_offset_ms: bigint }>({
      name: 'environment_clocks',
      text: `select ${authenticatedColumns('environments')} from environments t where t.clock_offset_ms > 0`,
    });
    const ours = rows.filter((row) => pool.guard.admits('environments', row));
    offsets = new Map(ours.map((row) => [row.current_id, Number(row.clock_offset_ms)]));
  };
  const offsetMs = (environmentId: string): number => offsets.get(environmentId) ?? 0;
  return {
    offsetMs,
    nowIn: (environmentId) => clock.now() + offsetMs(environmentId),
    latestMs: () => clock.now() + Math.max(0, ...offsets.values()),
    refresh() {
      // One after the other: what an earlier one has read must not come after a later one, or a clock would go back.
      last = last.then(read, read);
      return last;
    },
  };
}
