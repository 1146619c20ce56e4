import { sql } from 'kysely';
import { bucketOfId } from '../platform/ids.ts';
import type { Db } from './database.ts';
import type { RowOf } from './tables.ts';

/** Tables whose rows belong to an environment and are found by their id. */
export type OwnedTable =
  | 'counterparties'
  | 'customers'
  | 'events'
  | 'transactions'
  | 'virtual_accounts'
  | 'wallets'
  | 'webhooks';

/**
 * The row by this id, if it is one of the environment's: what never was and what is somebody else's look the same.
 */
export async function findRow<Name extends OwnedTable>(
  db: Db,
  table: Name,
  environmentId: string,
  id: string,
): Promise<RowOf<Name> | undefined> {
  const { rows } = await sql<RowOf<Name>>`select * from ${sql.table(table)}
    where bucket = ${bucketOfId(id)} and id = ${id} and environment_id = ${environmentId}`.execute(db);
  return rows[0];
}
