import type { Chain, Stablecoin } from '../../chains/registry.ts';
import { bucketOfId } from '../../platform/ids.ts';
import { limits } from '../../platform/limits.ts';
import { arrayLiteral } from '../../store/arrays.ts';
import type { Pool, Queryable } from '../../store/pool.ts';
import { inTransaction } from '../../store/transaction.ts';
import { returnPaymentId } from '../operator/state.ts';
import { isPaidOut } from '../payments/budget.ts';
import type { OpenPayment } from '../payments/queries.ts';
import { listPayments } from '../payments/queries.ts';

/** The books of a chain at one moment. */
export interface Snapshot {
  /** Deposits up to this height are credited. */
  readonly confirmed: number;
  /** Deposits up to this height are shown. */
  readonly scanned: number;
  readonly treasury: string;
  readonly opening: ReadonlyMap<Stablecoin, bigint> | undefined;
  readonly sums: ReadonlyMap<Stablecoin, Sums>;
  /** The open payments of transfers. */
  readonly open: readonly (OpenPayment & { readonly isBooked: boolean })[];
}

/** Sums of one token, in minor units. */
export interface Sums {
  readonly booked: bigint;
  readonly waiting: bigint;
  readonly notCredited: bigint;
  readonly creditedLater: bigint;
  readonly bookedLater: bigint;
}

/**
 * Reads the books of a chain in one database snapshot.
 *
 * @returns undefined if no server has followed the chain yet
 */
export async function readSnapshot(
  pool: Pool,
  chain: Chain,
  currencies: readonly Stablecoin[],
): Promise<Snapshot | undefined> {
  return inTransaction(
    pool,
    async (db) => {
      const cursor = await readFollowed(db, chain);
      if (!cursor) return undefined;
      const sums = new Map<Stablecoin, Sums>();
      for (const currency of currencies) {
        sums.set(currency, await readSums(db, chain, currency, cursor.confirmed));
      }
      const open = await listPayments(pool, chain, db);
      const transfers = open.filter(({ intent }) => isPaidOut(intent));
      const ids = transfers.map(({ id }) => id);
      const booked = new Set([...(await listCompleted(db, ids)), ...(await listReturned(db, chain))]);
      return { ...cursor, sums, open: transfers.map((one) => ({ ...one, isBooked: booked.has(one.id) })) };
    },
    'begin isolation level repeatable read, read only',
  );
}

interface FollowedRow {
  readonly scanned_height: bigint;
  readonly confirmed_height: bigint;
  readonly opening_balances: string | null;
  readonly treasury: string | null;
}

async function readFollowed(db: Queryable, chain: Chain) {
  const { rows } = await db.query<FollowedRow>(
    'select scanned_height, confirmed_height, opening_balances, treasury from chain_cursors where chain = $1',
    [chain],
  );
  const [row] = rows;
  if (!row || row.treasury === null) return undefined;
  const opening: Record<string, string> | null = JSON.parse(row.opening_balances ?? 'null');
  return {
    confirmed: Number(row.confirmed_height),
    scanned: Number(row.scanned_height),
    treasury: row.treasury,
    opening: opening
      ? new Map(Object.entries(opening).map(([currency, held]) => [currency as Stablecoin, BigInt(held)]))
      : undefined,
  };
}

/** Each lane has a custody account of its own (ledger/accounts.ts). They are found by name. */
const sumsText = `select
  (select coalesce(sum(a.balance_minor), 0)::text from environments e cross join generate_series(0, $4 - 1) lane
    join accounts a on a.bucket = lane and a.id = e.current_id || ':' || lane || ':custody:' || $1 || ':' || $2
    where e.kind = 'live') as booked,
  (select coalesce(sum(amount_minor), 0)::text from chain_deposits
    where chain = $1 and currency = $2 and status = 'confirmed' and height <= $3) as waiting,
  ((select coalesce(sum(received::numeric), 0) from uncredited_deposits
      where chain = $1 and currency = $2 and height <= $3)
    - (select coalesce(sum(booked_minor), 0) from operator_actions
      where chain = $1 and currency = $2 and booked_minor is not null))::text as "notCredited",
  (select coalesce(sum(amount_minor), 0)::text from chain_deposits
    where chain = $1 and currency = $2 and status = 'credited' and height > $3) as "creditedLater",
  (select coalesce(sum(amount), 0)::text from chain_payments
    where chain = $1 and currency = $2 and kind in ('transfer', 'deposit_return') and status = 'completed' and height > $3)
    as "bookedLater"`;

async function readSums(db: Queryable, chain: Chain, currency: Stablecoin, height: number): Promise<Sums> {
  const { rows } = await db.query<Record<keyof Sums, string>>(sumsText, [
    chain,
    currency,
    height,
    limits.buckets,
  ]);
  const [row] = rows;
  const sum = (name: keyof Sums): bigint => BigInt(row?.[name] ?? 0);
  return {
    booked: sum('booked'),
    waiting: sum('waiting'),
    notCredited: sum('notCredited'),
    creditedLater: sum('creditedLater'),
    bookedLater: sum('bookedLater'),
  };
}

/** Finds out which transfers are booked as paid. */
async function listCompleted(db: Queryable, ids: readonly string[]): Promise<ReadonlySet<string>> {
  if (ids.length === 0) return new Set();
  const { rows } = await db.query<{ id: string }>(
    `select t.id from transactions t join unnest($1::int2[], $2::text[]) as wanted(bucket, id)
        on t.bucket = wanted.bucket and t.id = wanted.id
      where t.status = 'completed'`,
    [arrayLiteral('int2', ids.map(bucketOfId)), arrayLiteral('text', [...ids])],
  );
  return new Set(rows.map(({ id }) => id));
}

/** The payments of the latest returns that are booked. */
async function listReturned(db: Queryable, chain: Chain): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>(
    `select id from operator_actions where chain = $1 and kind = 'deposit_return' and status = 'done'
      order by updated_at desc limit $2`,
    [chain, limits.openActions],
  );
  return rows.map(returnPaymentId);
}

/** Lists the deposit addresses of live wallets on a chain in pages, ordered by address. */
export async function* listAddresses(pool: Pool, chain: Chain): AsyncGenerator<string[]> {
  for (let after = ''; ; ) {
    const { rows } = await pool.query<{ address: string }>({
      name: 'list_addresses_to_reconcile',
      text: `select a.address from deposit_addresses a
          join wallets w on w.bucket = a.bucket and w.id = a.wallet_id
          join environments e on e.current_id = w.environment_id and e.kind = 'live'
        where a.chain = $1 and a.address > $2 order by a.address limit $3`,
      values: [chain, after, limits.addressesPerPage],
    });
    if (rows.length > 0) yield rows.map(({ address }) => address);
    if (rows.length < limits.addressesPerPage) return;
    after = rows.at(-1)?.address ?? '';
  }
}

/** Saves the treasury's address for commands, which have no signer. */
export async function saveTreasury(pool: Pool, chain: Chain, treasury: string): Promise<void> {
  await pool.query(
    'update chain_cursors set treasury = $2 where chain = $1 and treasury is distinct from $2',
    [chain, treasury],
  );
}
