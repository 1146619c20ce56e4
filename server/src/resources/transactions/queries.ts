import { bucketOfId } from '../../platform/ids.ts';
import type { Db } from '../../store/database.ts';
import { findRow } from '../../store/find.ts';
import { type Page, toPage } from '../../store/paging.ts';
import type { TransactionRow } from '../../store/rows.ts';
import type { PageRequest } from '../paging.ts';

/** Finds a transaction of the environment by its id. */
export async function findTransaction(
  db: Db,
  environmentId: string,
  id: string,
): Promise<TransactionRow | undefined> {
  return findRow(db, 'transactions', environmentId, id);
}

/** The filters of a list of transactions, as query parameters. */
export interface TransactionFilter {
  readonly customerId?: string | undefined;
  readonly walletId?: string | undefined;
  readonly virtualAccountId?: string | undefined;
  readonly type?: string | undefined;
  readonly status?: string | undefined;
  readonly clientReferenceId?: string | undefined;
  readonly createdAfter?: string | undefined;
  readonly createdBefore?: string | undefined;
}

/** A page of the environment's transactions, newest first. */
export async function listTransactions<Item>(
  db: Db,
  environmentId: string,
  filter: TransactionFilter,
  { afterId, limit }: PageRequest,
  toItem: (row: TransactionRow) => Item,
): Promise<Page<Item>> {
  let query = db.selectFrom('transactions').selectAll().where('environment_id', '=', environmentId);
  if (filter.customerId !== undefined) query = query.where('customer_id', '=', filter.customerId);
  if (filter.walletId !== undefined) {
    const { walletId } = filter;
    // The customer's index is used, because a wallet's transactions belong to its customer.
    query = query
      .where('wallet_id', '=', walletId)
      .where('customer_id', '=', (wallets) =>
        wallets
          .selectFrom('wallets')
          .select('customer_id')
          .where('bucket', '=', bucketOfId(walletId))
          .where('id', '=', walletId),
      );
  }
  if (filter.virtualAccountId !== undefined) {
    query = query.where('virtual_account_id', '=', filter.virtualAccountId);
  }
  if (filter.type !== undefined) query = query.where('type', '=', filter.type as TransactionRow['type']);
  if (filter.status !== undefined)
    query = query.where('status', '=', filter.status as TransactionRow['status']);
  if (filter.clientReferenceId !== undefined) {
    query = query.where('client_reference_id', '=', filter.clientReferenceId);
  }
  if (filter.createdAfter !== undefined) query = query.where('created_at', '>=', filter.createdAfter);
  if (filter.createdBefore !== undefined) query = query.where('created_at', '<', filter.createdBefore);
  if (afterId !== undefined) query = query.where('id', '<', afterId);
  const rows = await query
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute();
  return toPage(rows, limit, toItem);
}
