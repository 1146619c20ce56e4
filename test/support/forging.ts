import {
  type AuthenticatedTableName,
  authenticatedColumns,
} from '../../server/src/store/authenticated-rows.ts';
import type { Pool } from '../../server/src/store/pool.ts';
import { inTransaction } from '../../server/src/store/transaction.ts';

/** Changes rows of authenticated tables as who can make their codes too would: what else is checked must refuse them. */
export async function changeWithCodes(
  pool: Pool,
  sql: string,
  rows: readonly (readonly [table: AuthenticatedTableName, id: string])[],
): Promise<void> {
  await inTransaction(pool, async (client) => {
    await client.query(sql);
    for (const [table, id] of rows) {
      const found = await client.query(
        `select ${authenticatedColumns(table)} from ${table} t where id = $1`,
        [id],
      );
      const mac = pool.guard.macOf(table, found.rows[0]);
      await client.query(`update ${table} set mac = $2 where id = $1`, [id, mac]);
    }
  });
}
