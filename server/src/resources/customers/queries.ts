import type { Db } from '../../store/database.ts';
import { findRow } from '../../store/find.ts';
import type { Page } from '../../store/paging.ts';
import { toPage } from '../../store/paging.ts';
import type { CustomerRow } from '../../store/rows.ts';
import type { PageRequest } from '../paging.ts';

/** The customer by this id, if it is one of the environment's. */
export async function findCustomer(
  db: Db,
  environmentId: string,
  id: string,
): Promise<CustomerRow | undefined> {
  return findRow(db, 'customers', environmentId, id);
}

/** A page of the environment's customers, newest first. */
export async function listCustomers<Item>(
  db: Db,
  environmentId: string,
  { afterId, limit }: PageRequest,
  toItem: (row: CustomerRow) => Item,
): Promise<Page<Item>> {
  const rows = await db
    .selectFrom('customers')
    .selectAll()
    .where('environment_id', '=', environmentId)
    .$if(afterId !== undefined, (query) => query.where('id', '<', afterId as string))
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute();
  return toPage(rows, limit, toItem);
}
