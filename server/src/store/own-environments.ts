import { authenticatedColumns } from './authenticated-rows.ts';
import type { Pool } from './pool.ts';
import type { EnvironmentRow } from './tables/access.ts';

/** The environments with these current ids, by current id. Environments whose rows are not authentic are left out. */
export async function findEnvironments(
  pool: Pool,
  currentIds: readonly string[],
): Promise<ReadonlyMap<string, EnvironmentRow>> {
  if (currentIds.length === 0) return new Map();
  const { rows } = await pool.query<EnvironmentRow & Record<string, unknown>>({
    name: 'find_environments',
    text: `select ${authenticatedColumns('environments')} from environments t where t.current_id = any ($1)`,
    values: [[...new Set(currentIds)]],
  });
  return new Map(
    rows.filter((row) => pool.guard.admits('environments', row)).map((row) => [row.current_id, row]),
  );
}
