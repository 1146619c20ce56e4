import { sql } from 'kysely';
import { readPostings } from '../../ledger/postings.ts';
import { bucketOfId } from '../../platform/ids.ts';
import type { Db } from '../../store/database.ts';
import { type Page, toPage } from '../../store/paging.ts';
import type { Pool } from '../../store/pool.ts';
import type { AccountRow, JournalRow, PostingRow } from '../../store/rows.ts';
import type { PageRequest } from '../paging.ts';

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
  { afterId, limit }: PageRequest,
  toItem: (row: AccountRow) => Item,
): Promise<Page<Item>> {
  let query = db.selectFrom('accounts').selectAll().where('environment_id', '=', environmentId);
  if (filter.kind !== undefined) {
    query = query.where('kind', '=', filter.kind as AccountRow['kind']);
    // Ids of house accounts contain the environment's id, so that they are found without a scan of wallets' accounts.
    if (!filter.kind.startsWith('wallet_'))
      query = query.where('id', '>=', `${environmentId}:`).where('id', '<', `${environmentId};`);
  }
  if (filter.currency !== undefined) query = query.where('currency', '=', filter.currency);
  if (filter.walletId !== undefined) {
    const { walletId } = filter;
    // Ids of a wallet's accounts contain its id, so that the primary key finds them.
    query = query
      .where('bucket', '=', bucketOfId(walletId))
      .where('wallet_id', '=', walletId)
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
  if (afterId !== undefined) query = query.where('id', '<', afterId);
  const rows = await query
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute();
  return toPage(rows, limit, toItem);
}

/** The filters of a list of journals, as query parameters. */
export interface JournalFilter {
  readonly transactionId?: string | undefined;
  readonly accountId?: string | undefined;
  readonly createdAfter?: string | undefined;
  readonly createdBefore?: string | undefined;
}

/** A page of the environment's journals with their lines, newest first. */
export async function listJournals<Item>(
  { db, pool }: { db: Db; pool: Pool },
  environmentId: string,
  filter: JournalFilter,
  { afterId, limit }: PageRequest,
  toItem: (row: JournalRow, postings: readonly PostingRow[]) => Item,
): Promise<Page<Item>> {
  let query = db.selectFrom('journals as j').selectAll('j').where('j.environment_id', '=', environmentId);
  if (filter.transactionId !== undefined) {
    query = query
      .where('j.bucket', '=', bucketOfId(filter.transactionId))
      .where('j.transaction_id', '=', filter.transactionId);
  }
  if (filter.accountId !== undefined) {
    const { accountId } = filter;
    query = query.where(({ exists, selectFrom }) =>
      exists(
        selectFrom('postings as p')
          .select('p.line')
          .whereRef('p.bucket', '=', 'j.bucket')
          .whereRef('p.journal_id', '=', 'j.id')
          .where('p.account_id', '=', accountId),
      ),
    );
    const walletId = /^(wal_[0-9a-z]{26}):/.exec(accountId)?.[1];
    if (walletId !== undefined) {
      // Journals of a wallet's account belong to its transactions, which have an index.
      query = query
        .where('j.bucket', '=', bucketOfId(walletId))
        .where('j.transaction_id', 'in', ({ selectFrom }) =>
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
  if (filter.createdAfter !== undefined) query = query.where('j.created_at', '>=', filter.createdAfter);
  if (filter.createdBefore !== undefined) query = query.where('j.created_at', '<', filter.createdBefore);
  if (afterId !== undefined) query = query.where('j.id', '<', afterId);
  const rows = await query
    .orderBy('j.id', 'desc')
    .limit(limit + 1)
    .execute();
  const postings = await readPostings(pool, rows);
  return toPage(rows, limit, (row) => toItem(row, postings.get(row.id) ?? []));
}
