import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, createClient } from '../store/pool.ts';
import type { RowGuard } from '../store/row-guard.ts';
import type { IdempotencyKeyRow } from '../store/rows.ts';
import type { AnyRow, TableName } from '../store/tables.ts';
import { backoffMs } from '../store/transaction.ts';
import type { Changes } from './batch-state.ts';
import type { Holdings, HoldingsRef } from './command.ts';
import {
  selectHoldings,
  selectRows,
  selectTakenKeys,
  type TakenKeys,
  type WantedRows,
} from './lane-reads.ts';
import { type BatchHead, buildBatchStatement, type LaneHead } from './statement.ts';

/** The lane count in the database is no longer the one this process was started with. */
export class LaneCountChangedError extends Error {
  override readonly name = 'LaneCountChangedError';
}

/**
 * All that a lane asks of the database, over a connection of its own that is made anew when it was lost. What is asked
 * before the answers to other calls are there is done after them. Nothing else of the writer reaches it, so that the
 * simulator can stand in for it (decision 0013).
 */
export interface LaneStore {
  begin(): Promise<void>;
  commit(): Promise<void>;
  rollBack(): Promise<void>;
  /** Gives the connection up: the next use makes a new one. */
  dropClient(): void;
  /** A random wait before another try, longer with each. */
  rest(tries: number): Promise<void>;
  /** Rows that are not ours come as `forgedRow`. */
  loadRows(table: TableName, wanted: WantedRows): Promise<readonly AnyRow[]>;
  loadTakenKeys(keys: TakenKeys): Promise<readonly IdempotencyKeyRow[]>;
  loadHoldings(of: HoldingsRef): Promise<Holdings>;
  /** @throws LaneCountChangedError */
  readHead(options: { lock: boolean }): Promise<LaneHead>;
  /** @returns whether the lane was still as expected, so that the batch took effect */
  write(head: BatchHead, changes: Changes): Promise<boolean>;
  /**
   * After a lost connection: shuts out a batch that may still be running, and tells whether it was committed.
   */
  fence(batchId: string): Promise<boolean>;
  close(): Promise<void>;
}

export function createLaneStore(
  databaseUrl: string,
  lane: number,
  laneCount: number,
  guard: RowGuard,
): LaneStore {
  let current: Promise<Client> | undefined;

  const connect = async (): Promise<Client> => {
    const client = createClient(databaseUrl, `openledger lane ${lane}`);
    await client.connect();
    return client;
  };

  const connected = (): Promise<Client> => {
    current ??= connect().catch((error: unknown) => {
      current = undefined;
      throw error;
    });
    return current;
  };

  return {
    async begin() {
      await (await connected()).query('begin');
    },
    async commit() {
      await (await connected()).query('commit');
    },
    async rollBack() {
      await (await connected()).query('rollback');
    },
    async rest(tries) {
      await sleep(backoffMs(tries));
    },
    loadRows: async (table, wanted) => selectRows(await connected(), table, wanted, guard),
    loadTakenKeys: async (keys) => selectTakenKeys(await connected(), keys),
    loadHoldings: async (of) => selectHoldings(await connected(), of),
    dropClient() {
      const dropped = current;
      current = undefined;
      void dropped?.then((client) => client.end()).catch(() => undefined);
    },
    async readHead({ lock }) {
      const client = await connected();
      const { rows } = await client.query<{ seq: bigint; batch_id: string; lane_count: number }>({
        name: lock ? 'lock_head' : 'read_head',
        text: `select seq, batch_id, lane_count from lane_heads where bucket = $1::int2 ${lock ? 'for update' : ''}`,
        values: [lane],
      });
      const head = rows[0];
      if (head?.lane_count !== laneCount) {
        throw new LaneCountChangedError(
          `This server was started with ${laneCount} lanes, the database now has ${head?.lane_count ?? 0}`,
        );
      }
      return { seq: head.seq, batchId: head.batch_id };
    },
    async write(head, changes) {
      const client = await connected();
      const { rows } = await client.query<{ applied: number }>(buildBatchStatement(head, changes, guard));
      return rows[0]?.applied === 1;
    },
    async fence(batchId) {
      const client = await connected();
      await client.query('begin');
      // Raising seq makes a batch that is still on its way find another head than it expects.
      await client.query('update lane_heads set seq = seq + 1 where bucket = $1', [lane]);
      const { rowCount } = await client.query('select 1 from batches where bucket = $1 and id = $2', [
        lane,
        batchId,
      ]);
      await client.query('commit');
      return rowCount === 1;
    },
    async close() {
      const client = await current?.catch(() => undefined);
      current = undefined;
      await client?.end().catch(() => undefined);
    },
  };
}
