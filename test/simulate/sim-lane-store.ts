import type { IdempotencyKeyRow } from '../../server/src/store/tables/lanes.ts';
import type { TransactionRow } from '../../server/src/store/tables/transactions.ts';
import type { WalletRow } from '../../server/src/store/tables/wallets.ts';
import type { AnyRow, TableName } from '../../server/src/store/tables.ts';
import type { Holdings, HoldingsRef } from '../../server/src/writer/command.ts';
import type { TakenKeys, WantedRows } from '../../server/src/writer/lane-reads.ts';
import { LaneCountChangedError, type LaneStore } from '../../server/src/writer/lane-store.ts';
import type { MemoryStore } from './memory-store.ts';

/**
 * The fate of a call to the store. `late`: the connection is lost, but the call reaches the database some time later.
 * `unheard`: the database processes the call, but no process is left for the response.
 */
export type Fate = 'done' | 'lost_before' | 'answer_lost' | 'late' | 'serialization' | 'unheard';

/** A call that waits for the scheduler. */
export interface Call {
  readonly process: number;
  readonly name: string;
  readonly lane: number;
  /** Whether it can fail, or its response be lost. */
  readonly canFail: boolean;
  /** Whether its connection is lost: only the database may still receive it. */
  isOrphan(): boolean;
  isBlocked(): boolean;
  end(fate: Fate): void;
}

/** A connection to the database: calls over it are processed in the order in which they were made. */
interface Connection {
  isLost: boolean;
  readonly sent: Call[];
  readonly refusals: Map<Call, (error: Error) => void>;
  /** What its transaction does at its commit; undefined outside a transaction. */
  inTransaction: (() => void)[] | undefined;
}

/** What the calls of one lane of one process share with those of the others. */
interface Shared {
  readonly process: number;
  readonly lane: number;
  /** Calls that wait for the scheduler. */
  readonly calls: Call[];
  /** The connection that has locked a lane's head. */
  readonly locks: Map<number, object>;
}

const locking = new Set(['lock_head', 'write', 'fence']);

const lost = (): Error => Object.assign(new Error('Connection terminated unexpectedly'), { code: '08006' });

function connect(): Connection {
  return { isLost: false, sent: [], refusals: new Map(), inTransaction: undefined };
}

function unlock({ lane, locks }: Shared, connection: Connection): void {
  connection.inTransaction = undefined;
  if (locks.get(lane) === connection) locks.delete(lane);
}

function remove({ calls }: Shared, { sent }: Connection, call: Call): void {
  sent.splice(sent.indexOf(call), 1);
  if (calls.includes(call)) calls.splice(calls.indexOf(call), 1);
}

/** Every call that waits for a response fails. Batches that were sent may still arrive. */
function lose(shared: Shared, connection: Connection): void {
  const mayArrive = (name: string): boolean => name === 'write' && !connection.inTransaction;
  for (const call of connection.sent.filter(({ name }) => !mayArrive(name))) remove(shared, connection, call);
  for (const refuse of connection.refusals.values()) refuse(lost());
  connection.refusals.clear();
  connection.isLost = true;
  unlock(shared, connection);
}

/** Whether a call waits for an earlier call of its connection, or for a row that another connection has locked. */
function isBlocked({ lane, locks }: Shared, connection: Connection, call: Call): boolean {
  if (connection.sent[0] !== call) return true;
  return locking.has(call.name) && locks.has(lane) && locks.get(lane) !== connection;
}

/**
 * Makes a call that the scheduler ends.
 *
 * @param isCurrent whether the lane uses this connection: other calls cannot fail
 */
function makeCall<Result>(
  shared: Shared,
  connection: Connection,
  isCurrent: boolean,
  name: string,
  work: (connection: Connection) => Result,
): Promise<Result> {
  const { calls, lane, process } = shared;
  return new Promise((resolve, reject) => {
    const isWhole = connection.inTransaction === undefined;
    if (connection.isLost) {
      reject(lost());
      return;
    }
    const run = (fate: Fate): void => {
      try {
        const isDone = /done|answer_lost|unheard/.test(fate) && (isWhole || !connection.isLost);
        const result = isDone ? work(connection) : undefined;
        if (fate === 'done') resolve(result as Result);
      } catch (error) {
        if (fate !== 'unheard') reject(error);
      }
    };
    const self: Call = {
      process,
      name,
      lane,
      canFail: isCurrent,
      isOrphan: () => connection.isLost,
      isBlocked: () => isBlocked(shared, connection, self),
      end(fate) {
        if (fate === 'late' && isWhole) {
          calls.push(self);
          lose(shared, connection);
          return;
        }
        remove(shared, connection, self);
        connection.refusals.delete(self);
        if (fate === 'serialization') {
          reject(Object.assign(new Error('could not serialize'), { code: '40001' }));
          return;
        }
        run(fate);
        if (/lost|late/.test(fate)) {
          reject(lost());
          lose(shared, connection);
        }
      },
    };
    connection.sent.push(self);
    connection.refusals.set(self, reject);
    calls.push(self);
  });
}

/**
 * The store as one lane of one process sees it. Nothing happens until the scheduler decides when and how. Rows that are locked
 * make other calls on them wait, as in PostgreSQL.
 *
 * @param connections gets a function that ends the lane's connection
 */
export function createSimLaneStore(
  store: MemoryStore,
  place: { process: number; lane: number; laneCount: number },
  calls: Call[],
  locks: Map<number, object>,
  connections: (() => void)[],
): LaneStore {
  const { lane, laneCount, process } = place;
  const shared: Shared = { process, lane, calls, locks };
  let current = connect();
  connections.push(() => {
    current.isLost = true;
    unlock(shared, current);
  });
  const call = <Result>(name: string, work: (connection: Connection) => Result): Promise<Result> =>
    makeCall(shared, current, true, name, work);
  return {
    begin: () =>
      call('begin', (connection) => {
        connection.inTransaction = [];
      }),
    commit: () =>
      call('commit', (connection) => {
        for (const work of connection.inTransaction ?? []) work();
        unlock(shared, connection);
      }),
    rollBack: () => call('rollback', (connection) => unlock(shared, connection)),
    dropClient() {
      lose(shared, current);
      current = connect();
    },
    rest: () => makeCall(shared, connect(), false, 'rest', () => undefined),
    readHead: ({ lock }) =>
      call(lock ? 'lock_head' : 'read_head', (connection) => {
        if (lock) locks.set(lane, connection);
        const head = store.heads[lane];
        if (head?.lane_count !== laneCount) throw new LaneCountChangedError('lanes');
        return { seq: head.seq, batchId: head.batch_id };
      }),
    loadRows: (table, wanted) => call(`load_${table}`, () => findRows(store, table, wanted)),
    loadTakenKeys: (keys) => call('load_keys', () => findTakenKeys(store, keys)),
    loadHoldings: (of) => call('load_holdings', () => holdingsIn(store, of)),
    write: (head, changes) =>
      call('write', ({ inTransaction }) => {
        if (!inTransaction) return store.apply(head, changes);
        // The transaction holds the head, so that no other can move it: checks run now, the effect comes with the commit.
        store.check(changes);
        inTransaction.push(() => void store.apply(head, changes));
        const { batch_id: batchId, seq } = store.heads[lane] ?? {};
        return seq === head.expected.seq && batchId === head.expected.batchId;
      }),
    fence: (batchId) => call('fence', () => store.fence(lane, batchId)),
    close: () => Promise.resolve(),
  };
}

function findRows(store: MemoryStore, table: TableName, { buckets, ids }: WantedRows): AnyRow[] {
  return ids.flatMap((id, index): AnyRow[] => {
    const row = store.find(table, buckets[index] ?? -1, id);
    return row ? [{ ...row }] : [];
  });
}

function findTakenKeys(store: MemoryStore, { environments, keys }: TakenKeys): IdempotencyKeyRow[] {
  const rows = store.rows('idempotency_keys') as unknown as IdempotencyKeyRow[];
  return rows.filter((row) =>
    keys.some((key, index) => row.key === key && row.environment_id === environments[index]),
  );
}

const ended: ReadonlySet<string> = new Set(['completed', 'failed', 'returned', 'refunded']);

function holdingsIn(store: MemoryStore, { customerId, sinceId }: HoldingsRef): Holdings {
  const wallets = store.rows('wallets') as unknown as WalletRow[];
  const transactions = store.rows('transactions') as unknown as TransactionRow[];
  const recent = transactions.filter((row) => row.customer_id === customerId && row.id > sinceId);
  return {
    walletIds: wallets.filter((row) => row.customer_id === customerId).map((row) => row.id),
    openTransactions: recent.filter(({ status }) => !ended.has(status)).length,
    lastTransactionAt: recent.reduce<string | null>(
      (last, { updated_at: at }) => (last === null || at > last ? at : last),
      null,
    ),
  };
}
