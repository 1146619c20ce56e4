import type { Clock } from '../platform/clock.ts';
import { authenticatedColumns } from './authenticated-rows.ts';
import type { Pool } from './pool.ts';

/** The time in each environment: a sandbox's clock can be moved forward (contract §4, Sandbox). */
export interface EnvironmentClocks {
  /** Milliseconds since the Unix epoch, by the environment's clock. */
  nowIn(environmentId: string): number;
  /** How far the environment's clock is ahead of the server's, in milliseconds; usually 0. */
  offsetMs(environmentId: string): number;
  /** The latest time of any environment's clock. */
  latestMs(): number;
  /** Reads the offsets again, after this or another process has changed them. */
  refresh(): Promise<void>;
}

/** Clocks whose offsets are in the database. Until the first `refresh` they show the server's time. */
export function createEnvironmentClocks(pool: Pool, clock: Clock): EnvironmentClocks {
  let offsets = new Map<string, number>();
  let last: Promise<void> = Promise.resolve();
  const read = async (): Promise<void> => {
    const { rows } = await pool.query<{ current_id: string; clock_offset_ms: bigint }>({
      name: 'environment_clocks',
      text: `select ${authenticatedColumns('environments')} from environments t where t.clock_offset_ms > 0`,
    });
    const authentic = rows.filter((row) => pool.guard.admits('environments', row));
    offsets = new Map(authentic.map((row) => [row.current_id, Number(row.clock_offset_ms)]));
  };
  const offsetMs = (environmentId: string): number => offsets.get(environmentId) ?? 0;
  return {
    offsetMs,
    nowIn: (environmentId) => clock.now() + offsetMs(environmentId),
    latestMs: () => clock.now() + Math.max(0, ...offsets.values()),
    refresh() {
      // One at a time: an older result must not replace a newer one, or a clock would go back.
      last = last.then(read, read);
      return last;
    },
  };
}
