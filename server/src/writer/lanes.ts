import { ConfigError } from '../platform/config.ts';
import type { Pool, PoolClient } from '../store/pool.ts';
import { inTransaction } from '../store/transaction.ts';

/**
 * Ensures that the database has a head row for every lane, and sets the number of lanes.
 *
 * @param wanted the setting; undefined keeps the number of the database (1 for a new one)
 * @returns the number of lanes
 * @throws ConfigError when the number would change while servers are running on the database
 */
export async function prepareLanes(pool: Pool, wanted: number | undefined): Promise<number> {
  return inTransaction(pool, async (client) => {
    const { rows } = await client.query<{ bucket: number; lane_count: number }>(
      'select bucket, lane_count from lane_heads order by bucket for update',
    );
    const present = rows[0]?.lane_count;
    const laneCount = wanted ?? present ?? 1;
    if (present !== undefined && present !== laneCount) await assertUnused(client, present);
    await client.query(
      `insert into lane_heads (bucket, lane_count, seq)
        select lane, $1::int2, 0 from generate_series(0, $1::int4 - 1) as lane
        on conflict (bucket) do nothing`,
      [laneCount],
    );
    await client.query(
      'update lane_heads set lane_count = $1::int2, seq = seq + 1 where lane_count <> $1::int2',
      [laneCount],
    );
    return laneCount;
  });
}

async function assertUnused(client: PoolClient, present: number): Promise<void> {
  const { rowCount } = await client.query(
    `select 1 from pg_stat_activity
      where datname = current_database() and application_name like 'openledger lane %'`,
  );
  if (rowCount) {
    throw new ConfigError(
      `OPENLEDGER_LANES: servers are running on this database with ${present} lanes; ` +
        `set ${present}, or stop all servers before changing it.`,
    );
  }
}
