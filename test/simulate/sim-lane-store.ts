import type { IdempotencyKeyRow, TransactionRow, WalletRow } from '../../server/src/store/rows.ts';
import type { AnyRow } from '../../server/src/store/tables.ts';
import type { Holdings, HoldingsRef } from '../../server/src/writer/command.ts';
import { LaneCountChangedError, type LaneStore } from '../../server/src/writer/lane-store.ts';
import type { MemoryStore } from './memory-store.ts';

/**
 * What becomes of a call to the store. `late`: the connection is lost, but what was sent reaches the database some time
 * afterwards. `unheard`: it is done, and nobody is there for the answer.
 */
export type Fate = 'done' | 'lost_before' | 'answer_lost' | 'late' | 'serialization' | 'unheard';

/** A call that waits for the scheduler. */
export interface Call {
  readonly process: number;
  readonly name: string;
  readonly lane: number;
  /** Whether it can be refused or its answer lost. */
  readonly canFail: boolean;
  /** Whether its connection is gone: only the database may still hear of it. */
  isOrphan(): boolean;
  /** Whether it waits for a call before it on its connection, or for a row that another connection has locked. */
  isBlocked(): boolean;
  end(fate: Fate): void;
}

/** A connection to the database: what is sent over it is done in that order. */
interface Connection {
  isLost: boolean;
  readonly sent: Call[];
  readonly refusals: Map<Call, (error: Error) => void>;
  /** What its transaction will do at its commit. */
  inTransaction: (() => void)[] | undefined;
}

const locking = new Set(['lock_head', 'write', 'fence']);

const lost = (): Error => Object.assign(new Error('Connection terminated unexpectedly'), { code: '08006' });

/**
 * The store as one lane of one process sees it. Nothing happens until the scheduler says so, and how it says. Calls of a
 * connection are done one after the other, though more than one may be on its way. Rows that are locked make other calls
 * on them wait, as in PostgreSQL.
 */
export function createSimLaneStore(
  store: MemoryStore,
  place: { process: number; lane: number; laneCount: number },
  calls: Call[],
  locks: Map<number, object>,
  connections: (() => void)[],
): LaneStore {
  const { lane, laneCount, process } = place;
  const connect = (): Connection => ({
    isLost: false,
    sent: [],
    refusals: new Map(),
    inTransaction: undefined,
  });
  let current = connect();

  const unlock = (connection: Connection): void => {
    connection.inTransaction = undefined;
    if (locks.get(lane) === connection) locks.delete(lane);
  };

  /** Whoever waits for an answer learns that there will be none; batches that were sent may still arrive. */
  const lose = (connection: Connection): void => {
    const mayArrive = (name: string): boolean => name === 'write' && !connection.inTransaction;
    for (const call of connection.sent.filter(({ name }) => !mayArrive(name))) remove(connection, call);
    for (const refuse of connection.refusals.values()) refuse(lost());
    connection.refusals.clear();
    connection.isLost = true;
    unlock(connection);
  };

  const remove = ({ sent }: Connection, call: Call): void => {
    sent.splice(sent.indexOf(call), 1);
    if (calls.includes(call)) calls.splice(calls.indexOf(call), 1);
  };

  connections.push(() => {
    current.isLost = true;
    unlock(current);
  });

  const call = <Result>(
    name: string,
    work: (connection: Connection) => Result,
    connection = current,
  ): Promise<Result> =>
    new Promise((resolve, reject) => {
      const isWhole = connection.inTransaction === undefined;
      if (connection.isLost) {
        reject(lost());
        return;
      }
      const self: Call = {
        process,
        name,
        lane,
        canFail: connection === current,
        isOrphan: () => connection.isLost,
        isBlocked: () =>
          connection.sent[0] !== self ||
          (locking.has(name) && locks.has(lane) && locks.get(lane) !== connection),
        end(fate) {
          if (fate === 'late' && isWhole) {
            calls.push(self);
            lose(connection);
            return;
          }
          remove(connection, self);
          connection.refusals.delete(self);
          if (fate === 'serialization') {
            reject(Object.assign(new Error('could not serialize'), { code: '40001' }));
            return;
          }
          try {
            const isDone = /done|answer_lost|unheard/.test(fate) && (isWhole || !connection.isLost);
            const result = isDone ? work(connection) : undefined;
            if (fate === 'done') resolve(result as Result);
          } catch (error) {
            if (fate !== 'unheard') reject(error);
          }
          if (/lost|late/.test(fate)) {
            reject(lost());
            lose(connection);
          }
        },
      };
      connection.sent.push(self);
      connection.refusals.set(self, reject);
      calls.push(self);
    });

  return {
    begin: () =>
      call('begin', (connection) => {
        connection.inTransaction = [];
      }),
    commit: () =>
      call('commit', (connection) => {
        for (const work of connection.inTransaction ?? []) work();
        unlock(connection);
      }),
    rollBack: () => call('rollback', unlock),
    dropClient() {
      lose(current);
      current = connect();
    },
    rest: () => call('rest', () => undefined, connect()),
    readHead: ({ lock }) =>
      call(lock ? 'lock_head' : 'read_head', (connection) => {
        if (lock) locks.set(lane, connection);
        const head = store.heads[lane];
        if (head?.lane_count !== laneCount) throw new LaneCountChangedError('lanes');
        return { seq: head.seq, batchId: head.batch_id };
      }),
    loadRows: (table, { buckets, ids }) =>
      call(`load_${table}`, () =>
        ids.flatMap((id, index): AnyRow[] => {
          const row = store.find(table, buckets[index] ?? -1, id);
          return row ? [{ ...row }] : [];
        }),
      ),
    loadTakenKeys: ({ environments, keys }) =>
      call('load_keys', () => {
        const rows = store.rows('idempotency_keys') as unknown as IdempotencyKeyRow[];
        return rows.filter((row) =>
          keys.some((key, index) => row.key === key && row.environment_id === environments[index]),
        );
      }),
    loadHoldings: (of) => call('load_holdings', () => holdingsIn(store, of)),
    write: (head, changes) =>
      call('write', ({ inTransaction }) => {
        if (!inTransaction) return store.apply(head, changes);
        // Within a transaction that holds the head nobody else can move it: its checks run now, its effect is the commit's.
        store.check(changes);
        inTransaction.push(() => void store.apply(head, changes));
        const { batch_id: batchId, seq } = store.heads[lane] ?? {};
        return seq === head.expected.seq && batchId === head.expected.batchId;
      }),
    fence: (batchId) => call('fence', () => store.fence(lane, batchId)),
    close: () => Promise.resolve(),
  };
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
