import { randomInt } from 'node:crypto';
import {
  depositFlow,
  reserveTransferFlow,
  settleTransferFlow,
  type TransferMoney,
} from '../../server/src/ledger/flows.ts';
import { genesisHash, type JournalDraft, postJournal } from '../../server/src/ledger/journal.ts';
import { systemClock, toIsoTime } from '../../server/src/platform/clock.ts';
import { bucketOfId, createIdSource } from '../../server/src/platform/ids.ts';
import { arrayParameters, columnArrays } from '../../server/src/store/insert.ts';
import type { Pool } from '../../server/src/store/pool.ts';
import type { EventRow } from '../../server/src/store/tables/events.ts';
import type { JournalHeadRow } from '../../server/src/store/tables/lanes.ts';
import type { AccountRow, JournalRow, PostingRow } from '../../server/src/store/tables/ledger.ts';
import { type TransactionRow, transactions } from '../../server/src/store/tables/transactions.ts';
import { type AnyRow, type TableName, tableNamed } from '../../server/src/store/tables.ts';

/** Books as the server would have written them, only faster: thousands of journals in a statement, no answers kept. */

const wallets = 1000;
const chunkPostings = 20_000;
const depositMinor = 1_000_000_000n;
const transferMinor = 1_000_000n;
const feeMinor = 3000n;

interface Chunk {
  journals: JournalRow[];
  postings: PostingRow[];
  transactions: TransactionRow[];
  events: EventRow[];
}

/**
 * Writes deposits and completed transfers, chained and balanced by `postJournal` itself.
 *
 * @param environmentId whose books they are; they must be empty
 * @param count at least so many postings
 * @returns how many postings there are
 */
export async function writeBooks(
  pool: Pool,
  environmentId: string,
  count: number,
  lanes: number,
  onProgress: (postings: number) => void = () => undefined,
): Promise<number> {
  const ids = createIdSource(systemClock);
  const owners = Array.from({ length: wallets }, () => {
    const walletId = ids.next('wal');
    return { walletId, customerId: ids.next('cus', bucketOfId(walletId)), balanceMinor: 0n };
  });
  const accounts = new Map<string, AccountRow>();
  const heads = Array.from({ length: lanes }, (_, lane): JournalHeadRow => {
    return {
      bucket: lane,
      environment_id: environmentId,
      journal_seq: 0n,
      journal_hash: genesisHash,
      event_seq: 0n,
    };
  });
  let chunk = emptyChunk();
  let written = 0;

  const post = (draft: JournalDraft, bucket: number, now: string): void => {
    const lane = bucket % lanes;
    const posted = postJournal(draft, heads[lane] as JournalHeadRow, {
      environmentId,
      lane,
      bucket,
      now,
      newJournalId: (inBucket) => ids.next('jrn', inBucket),
      readAccount: (id) => accounts.get(id),
    });
    for (const account of posted.accounts) accounts.set(account.id, account);
    heads[lane] = posted.head;
    chunk.journals.push(posted.journal);
    chunk.postings.push(...posted.postings);
  };

  const tell = (transaction: TransactionRow): void => {
    const lane = transaction.bucket % lanes;
    const head = heads[lane] as JournalHeadRow;
    heads[lane] = { ...head, event_seq: head.event_seq + 1n };
    chunk.transactions.push(transaction);
    chunk.events.push({
      bucket: transaction.bucket,
      id: ids.next('evt', transaction.bucket),
      environment_id: environmentId,
      lane,
      seq: head.event_seq + 1n,
      type: 'transaction.created',
      object_id: transaction.id,
      customer_id: transaction.customer_id,
      data: '{}',
      previous_attributes: null,
      created_at: transaction.created_at,
    });
  };

  const flush = async (): Promise<void> => {
    written += chunk.postings.length;
    await Promise.all(Object.entries(chunk).map(([name, rows]) => insertRows(pool, name as TableName, rows)));
    chunk = emptyChunk();
    onProgress(written);
  };

  while (written + chunk.postings.length < count) {
    const owner = owners[randomInt(wallets)] as (typeof owners)[number];
    const { customerId, walletId } = owner;
    const bucket = bucketOfId(walletId);
    const stripe = { environmentId, lane: bucket % lanes };
    const now = toIsoTime(systemClock.now());
    const base = { bucket, environmentId, customerId, walletId, now };
    const transactionId = ids.next('txn', bucket);
    if (owner.balanceMinor < transferMinor) {
      owner.balanceMinor += depositMinor;
      const deposit = {
        transactionId,
        walletId,
        chain: 'solana',
        currency: 'usdc',
        amountMinor: depositMinor,
      };
      post(depositFlow(stripe, deposit), bucket, now);
      tell(transactionRow(transactionId, base, 'deposit', depositMinor, 0n));
    } else {
      owner.balanceMinor -= transferMinor;
      const transfer: TransferMoney = {
        ...{ transactionId, walletId, currency: 'usdc', amountMinor: transferMinor, feeMinor },
      };
      post(reserveTransferFlow(transfer), bucket, now);
      post(settleTransferFlow(stripe, 'solana', transfer), bucket, now);
      tell(transactionRow(transactionId, base, 'transfer', transferMinor, feeMinor));
    }
    if (chunk.postings.length >= chunkPostings) await flush();
  }
  await flush();
  await insertRows(pool, 'accounts', [...accounts.values()]);
  await insertRows(
    pool,
    'journal_heads',
    heads.filter(({ journal_seq }) => journal_seq > 0n),
  );
  return written;
}

function emptyChunk(): Chunk {
  return { journals: [], postings: [], transactions: [], events: [] };
}

function transactionRow(
  id: string,
  base: { bucket: number; environmentId: string; customerId: string; walletId: string; now: string },
  type: TransactionRow['type'],
  amount: bigint,
  fee: bigint,
): TransactionRow {
  return {
    ...transactions.blank,
    bucket: base.bucket,
    id,
    environment_id: base.environmentId,
    customer_id: base.customerId,
    wallet_id: base.walletId,
    type,
    status: 'completed',
    amount_minor: amount,
    source_currency: 'usdc',
    destination_currency: 'usdc',
    fee_minor: fee,
    net_minor: amount - fee,
    final_minor: amount - fee,
    metadata: '{}',
    timeline: '[]',
    created_at: base.now,
    updated_at: base.now,
  };
}

async function insertRows(pool: Pool, name: TableName, rows: readonly object[]): Promise<void> {
  const table = tableNamed(name);
  const columns = Object.keys(table.columns);
  for (let start = 0; start < rows.length; start += chunkPostings) {
    const values = columnArrays(table, columns, rows.slice(start, start + chunkPostings) as AnyRow[]);
    await pool.query({
      name: `books_${name}`,
      text: `insert into ${name} (${columns.join(', ')})
        select * from unnest(${arrayParameters(Object.values(table.columns), 1)})`,
      values,
    });
  }
}
