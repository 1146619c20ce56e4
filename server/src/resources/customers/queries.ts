import type { Db } from '../../store/database.ts';
import { findRow, isOwn } from '../../store/find.ts';
import { readPageRows, selectList } from '../../store/list.ts';
import { type CreatedSpan, type Page, type PageRequest, toPage } from '../../store/paging.ts';
import type { CustomerRow } from '../../store/tables/customers.ts';

/** The customer by this id, if it is one of the environment's. */
export async function findCustomer(
  db: Db,
  environmentId: string,
  id: string,
): Promise<CustomerRow | undefined> {
  return findRow(db, 'customers', environmentId, id);
}

/** The filters of a list of customers, as query parameters. */
export interface CustomerFilter extends CreatedSpan {
  /** The fingerprints of an e-mail address, under each master key. */
  readonly emailIndexes?: readonly string[] | undefined;
  readonly externalId?: string | undefined;
  readonly status?: string | undefined;
  readonly kycStatus?: string | undefined;
  readonly type?: string | undefined;
}

/** A page of the environment's customers, newest first. */
export async function listCustomers<Item>(
  db: Db,
  environmentId: string,
  filter: CustomerFilter,
  page: PageRequest,
  toItem: (row: CustomerRow) => Item,
): Promise<Page<Item>> {
  const narrowing = {
    environment_id: environmentId,
    email_index: filter.emailIndexes,
    external_id: filter.externalId,
    status: filter.status,
    kyc_status: filter.kycStatus,
    type: filter.type,
  };
  const rows = await readPageRows(selectList(db, 'customers', narrowing, filter), page);
  return toPage(rows, page.limit, toItem, isOwn(db, 'customers'));
}
