import type { Vault } from '../../platform/seal.ts';
import type { Db } from '../../store/database.ts';
import { findRow, isOwn } from '../../store/find.ts';
import { type Page, toPage } from '../../store/paging.ts';
import type { CounterpartyRow } from '../../store/rows.ts';
import type { PageRequest } from '../paging.ts';

/** The counterparty by this id, if it is one of the environment's. */
export async function findCounterparty(
  db: Db,
  environmentId: string,
  id: string,
): Promise<CounterpartyRow | undefined> {
  return findRow(db, 'counterparties', environmentId, id);
}

/** A page of the environment's counterparties, newest first. */
export async function listCounterparties<Item>(
  db: Db,
  environmentId: string,
  filter: { customerId?: string | undefined; currency?: string | undefined },
  { afterId, limit }: PageRequest,
  vault: Vault,
  toItem: (row: CounterpartyRow) => Item,
): Promise<Page<Item>> {
  let query = db.selectFrom('counterparties').selectAll().where('environment_id', '=', environmentId);
  if (filter.customerId !== undefined) query = query.where('customer_id', '=', filter.customerId);
  if (filter.currency !== undefined) query = query.where('currency', '=', filter.currency);
  if (afterId !== undefined) query = query.where('id', '<', afterId);
  const rows = await query
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute();
  await vault.prepare(rows.map(({ account }) => account));
  return toPage(rows, limit, toItem, isOwn(db, 'counterparties'));
}
