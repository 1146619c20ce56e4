import { sql } from 'kysely';
import { readPostings } from '../../ledger/postings.ts';
import { bucketOfId } from '../../platform/ids.ts';
import type { Db } from '../../store/database.ts';
import { readPageRows, selectList } from '../../store/list.ts';
import { type CreatedSpan, type Page, type PageRequest, toPage } from '../../store/paging.ts';
import type { Pool } from '../../store/pool.ts';
import type { AccountRow, JournalRow, PostingRow } from '../../store/tables/ledger.ts';

/** The filters of a list of accounts, as query parameters. */
export interface AccountFilter {
  readonly customerId?: string | undefined;
  readonly walletId?: string | undefined;
  readonly kind?: string | undefined;
  readonly currency?: string | undefined;
}

/** A page of the environment's accounts by descending id: accounts of wallets, newest first, then house accounts. */
export async function listAccounts<Item>(
  db: Db,
  environmentId: string,
  filter: AccountFilter,
  page: PageRequest,
  toItem: (row: AccountRow) => Item,
): Promise<Page<Item>> {
  const narrowing = {
    environment_id: environmentId,
    kind: filter.kind,
    currency: filter.currency,
    wallet_id: filter.walletId,
  };
  let query = selectList(db, 'accounts', narrowing);
  // Ids of the house's accounts begin with the environment's id: a range of ids skips the accounts of all wallets.
  if (filter.kind !== undefined && !filter.kind.startsWith('wallet_'))
    query = query.where('id', '>=', `${environmentId}:`).where('id', '<', `${environmentId};`);
  if (filter.walletId !== undefined) {
    const { walletId } = filter;
    // Ids of a wallet's accounts begin with the wallet's id: the primary key finds them.
    query = query
      .where('bucket', '=', bucketOfId(walletId))
      .where('id', '>=', `${walletId}:`)
      .where('id', '<', `${walletId};`);
  }
  if (filter.customerId !== undefined) {
    const { customerId } = filter;
    query = query.where('bucket', '=', bucketOfId(customerId)).where('id', 'in', (accounts) =>
      accounts
        .selectFrom('wallets as w')
        .innerJoin('accounts as a', (join) =>
          join
            .onRef('a.bucket', '=', 'w.bucket')
            .on('a.id', '>=', sql<string>`w.id || ':'`)
            .on('a.id', '<', sql<string>`w.id || ';'`),
        )
        .select('a.id')
        .where('w.customer_id', '=', customerId),
    );
  }
  return toPage(await readPageRows(query, page), page.limit, toItem);
}

/** The filters of a list of journals, as query parameters. */
export interface JournalFilter extends CreatedSpan {
  readonly transactionId?: string | undefined;
  readonly accountId?: string | undefined;
}

/** A page of the environment's journals with their lines, newest first. */
export async function listJournals<Item>(
  { db, pool }: { db: Db; pool: Pool },
  environmentId: string,
  filter: JournalFilter,
  page: PageRequest,
  toItem: (row: JournalRow, postings: readonly PostingRow[]) => Item,
): Promise<Page<Item>> {
  const { transactionId } = filter;
  const narrowing = { environment_id: environmentId, transaction_id: transactionId };
  let query = selectList(db, 'journals', narrowing, filter);
  if (transactionId !== undefined) query = query.where('bucket', '=', bucketOfId(transactionId));
  if (filter.accountId !== undefined) {
    const { accountId } = filter;
    query = query.where(({ exists, selectFrom }) =>
      exists(
        selectFrom('postings as p')
          .select('p.line')
          .whereRef('p.bucket', '=', 'journals.bucket')
          .whereRef('p.journal_id', '=', 'journals.id')
          .where('p.account_id', '=', accountId),
      ),
    );
    const walletId = /^(wal_[0-9a-z]{26}):/.exec(accountId)?.[1];
    if (walletId !== undefined) {
      // Journals of a wallet's account belong to its transactions, which have an index.
      query = query
        .where('bucket', '=', bucketOfId(walletId))
        .where('transaction_id', 'in', ({ selectFrom }) =>
          selectFrom('transactions as t')
            .innerJoin('wallets as w', (join) =>
              join.onRef('w.bucket', '=', 't.bucket').onRef('w.customer_id', '=', 't.customer_id'),
            )
            .select('t.id')
            .where('w.bucket', '=', bucketOfId(walletId))
            .where('w.id', '=', walletId)
            .where('t.wallet_id', '=', walletId),
        );
    }
  }
  const rows = await readPageRows(query, page);
  const postings = await readPostings(pool, rows);
  return toPage(rows, page.limit, (row) => toItem(row, postings.get(row.id) ?? []));
}
