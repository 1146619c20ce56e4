import { bucketOfId } from '../../platform/ids.ts';
import type { Db } from '../../store/database.ts';
import { findRow } from '../../store/find.ts';
import { readPageRows, selectList } from '../../store/list.ts';
import { type CreatedSpan, type Page, type PageRequest, toPage } from '../../store/paging.ts';
import type { TransactionRow } from '../../store/tables/transactions.ts';

/** Finds a transaction of the environment by its id. */
export async function findTransaction(
  db: Db,
  environmentId: string,
  id: string,
): Promise<TransactionRow | undefined> {
  return findRow(db, 'transactions', environmentId, id);
}

/** The filters of a list of transactions, as query parameters. */
export interface TransactionFilter extends CreatedSpan {
  readonly customerId?: string | undefined;
  readonly walletId?: string | undefined;
  readonly virtualAccountId?: string | undefined;
  readonly type?: string | undefined;
  readonly status?: string | undefined;
  readonly clientReferenceId?: string | undefined;
}

/** A page of the environment's transactions, newest first. */
export async function listTransactions<Item>(
  db: Db,
  environmentId: string,
  filter: TransactionFilter,
  page: PageRequest,
  toItem: (row: TransactionRow) => Item,
): Promise<Page<Item>> {
  const { walletId } = filter;
  const narrowing = {
    environment_id: environmentId,
    customer_id: filter.customerId,
    wallet_id: walletId,
    virtual_account_id: filter.virtualAccountId,
    type: filter.type,
    status: filter.status,
    client_reference_id: filter.clientReferenceId,
  };
  let list = selectList(db, 'transactions', narrowing, filter);
  if (walletId !== undefined) {
    // A wallet's transactions are among those of its customer, for which there is an index.
    list = list.where('customer_id', '=', (wallets) =>
      wallets
        .selectFrom('wallets')
        .select('customer_id')
        .where('bucket', '=', bucketOfId(walletId))
        .where('id', '=', walletId),
    );
  }
  return toPage(await readPageRows(list, page), page.limit, toItem);
}
