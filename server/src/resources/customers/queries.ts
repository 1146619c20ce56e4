import type { Db } from '../../store/database.ts';
import { findRow, isOwn } from '../../store/find.ts';
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

/** The filters of a list of customers, as query parameters. */
export interface CustomerFilter {
  /** The fingerprints of an e-mail address, under each master key. */
  readonly emailIndexes?: readonly string[] | undefined;
  readonly externalId?: string | undefined;
  readonly status?: string | undefined;
  readonly kycStatus?: string | undefined;
  readonly type?: string | undefined;
  readonly createdAfter?: string | undefined;
  readonly createdBefore?: string | undefined;
}

/** A page of the environment's customers, newest first. */
export async function listCustomers<Item>(
  db: Db,
  environmentId: string,
  filter: CustomerFilter,
  { afterId, limit }: PageRequest,
  toItem: (row: CustomerRow) => Item,
): Promise<Page<Item>> {
  let query = db.selectFrom('customers').selectAll().where('environment_id', '=', environmentId);
  if (filter.emailIndexes !== undefined) query = query.where('email_index', 'in', [...filter.emailIndexes]);
  if (filter.externalId !== undefined) query = query.where('external_id', '=', filter.externalId);
  if (filter.status !== undefined) query = query.where('status', '=', filter.status as CustomerRow['status']);
  if (filter.kycStatus !== undefined)
    query = query.where('kyc_status', '=', filter.kycStatus as CustomerRow['kyc_status']);
  if (filter.type !== undefined) query = query.where('type', '=', filter.type as CustomerRow['type']);
  if (filter.createdAfter !== undefined) query = query.where('created_at', '>=', filter.createdAfter);
  if (filter.createdBefore !== undefined) query = query.where('created_at', '<', filter.createdBefore);
  if (afterId !== undefined) query = query.where('id', '<', afterId);
  const rows = await query
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute();
  return toPage(rows, limit, toItem, isOwn(db, 'customers'));
}
