import type { IdempotencyKeyRow } from '../../server/src/store/rows.ts';
import type { AnyRow } from '../../server/src/store/tables.ts';
import { LaneCountChangedError, type LaneStore } from '../../server/src/writer/lane-store.ts';
import type { MemoryStore } from './memory-store.ts';

/** What becomes of a call to the store. */
export type Fate = 'done' | 'lost_before' | 'answer_lost' | 'serialization';

/** A call that waits for the scheduler. */
export interface Call {
  readonly process: number;
  readonly name: string;
  readonly lane: number;
  /** Whether it can be refused or its answer lost. */
  readonly canFail: boolean;
  /** Whether a row that it needs is locked by another connection. */
  isBlocked(): boolean;
  end(fate: Fate): void;
}

const locking = new Set(['lock_head', 'write', 'fence']);

const lost = (): Error => Object.assign(new Error('Connection terminated unexpectedly'), { code: '08006' });

/**
 * The store as one lane of one process sees it. Nothing happens until the scheduler says so, and how it says. Rows that
 * are locked make other calls on them wait, as in PostgreSQL.
 */
export function createSimLaneStore(
  store: MemoryStore,
  place: { process: number; lane: number; laneCount: number },
  calls: Call[],
  locks: Map<number, object>,
  connections: (() => void)[],
): LaneStore {
  const { lane, laneCount, process } = place;
  const self = {};
  const unlock = (): void => {
    if (locks.get(lane) === self) locks.delete(lane);
  };
  let inTransaction: (() => void)[] | undefined;

  connections.push(() => {
    inTransaction = undefined;
    unlock();
  });

  const call = <Result>(name: string, work: () => Result, canFail = true): Promise<Result> =>
    new Promise((resolve, reject) => {
      calls.push({
        process,
        name,
        lane,
        canFail,
        isBlocked: () => locking.has(name) && locks.has(lane) && locks.get(lane) !== self,
        end(fate) {
          if (fate === 'serialization') {
            reject(Object.assign(new Error('could not serialize'), { code: '40001' }));
            return;
          }
          if (fate === 'lost_before') {
            inTransaction = undefined;
            unlock();
            reject(lost());
            return;
          }
          try {
            const result = work();
            if (fate === 'done') resolve(result);
            else {
              inTransaction = undefined;
              unlock();
              reject(lost());
            }
          } catch (error) {
            reject(error);
          }
        },
      });
    });

  return {
    begin: () =>
      call('begin', () => {
        inTransaction = [];
      }),
    commit: () =>
      call('commit', () => {
        for (const work of inTransaction ?? []) work();
        inTransaction = undefined;
        unlock();
      }),
    rollBack: () =>
      call('rollback', () => {
        inTransaction = undefined;
        unlock();
      }),
    dropClient() {
      inTransaction = undefined;
      unlock();
    },
    rest: () => call('rest', () => undefined, false),
    readHead: ({ lock }) =>
      call(lock ? 'lock_head' : 'read_head', () => {
        if (lock) locks.set(lane, self);
        const head = store.heads[lane];
        if (head?.lane_count !== laneCount) throw new LaneCountChangedError('lanes');
        return head.seq;
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
    write: (head, changes) =>
      call('write', () => {
        if (!inTransaction) return store.apply(head, changes);
        // Within a transaction that holds the head nobody else can move it: its checks run now, its effect is the commit's.
        store.check(changes);
        inTransaction.push(() => void store.apply(head, changes));
        return store.heads[lane]?.seq === head.expectedSeq;
      }),
    fence: (batchId) => call('fence', () => store.fence(lane, batchId)),
    close: () => Promise.resolve(),
  };
}
