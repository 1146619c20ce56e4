import type { Vault } from '../../platform/seal.ts';
import type { Db } from '../../store/database.ts';
import { findRow, isOwn } from '../../store/find.ts';
import { readPageRows, selectList } from '../../store/list.ts';
import { type Page, type PageRequest, toPage } from '../../store/paging.ts';
import type { CounterpartyRow } from '../../store/tables/customers.ts';

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
  page: PageRequest,
  vault: Vault,
  toItem: (row: CounterpartyRow) => Item,
): Promise<Page<Item>> {
  const list = selectList(db, 'counterparties', {
    environment_id: environmentId,
    customer_id: filter.customerId,
    currency: filter.currency,
  });
  const rows = await readPageRows(list, page);
  await vault.prepare(rows.map(({ account }) => account));
  return toPage(rows, page.limit, toItem, isOwn(db, 'counterparties'));
}
