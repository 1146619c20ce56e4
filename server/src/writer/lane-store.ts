import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, createClient } from '../store/pool.ts';
import type { RowGuard } from '../store/row-guard.ts';
import type { IdempotencyKeyRow } from '../store/tables/lanes.ts';
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

/** The number of lanes in the database differs from the one that this process was started with. */
export class LaneCountChangedError extends Error {
  override readonly name = 'LaneCountChangedError';
}

/**
 * Everything that a lane asks of the database, over a connection of its own, which is opened again after it was lost. Calls are
 * processed in the order in which they are made, even if earlier ones have not returned. No other part of the writer accesses
 * the database, so that a simulated store can take its place (decision 0013).
 */
export interface LaneStore {
  begin(): Promise<void>;
  commit(): Promise<void>;
  rollBack(): Promise<void>;
  /** Closes the connection: the next call opens a new one. */
  dropClient(): void;
  /** A random wait before another attempt, longer with each. */
  rest(tries: number): Promise<void>;
  /** In place of a row that is not authentic it returns `forgedRow`. */
  loadRows(table: TableName, wanted: WantedRows): Promise<readonly AnyRow[]>;
  loadTakenKeys(keys: TakenKeys): Promise<readonly IdempotencyKeyRow[]>;
  loadHoldings(of: HoldingsRef): Promise<Holdings>;
  /** @throws LaneCountChangedError */
  readHead(options: { lock: boolean }): Promise<LaneHead>;
  /** @returns whether the lane was in the expected state, so that the batch took effect */
  write(head: BatchHead, changes: Changes): Promise<boolean>;
  /** After a lost connection: prevents the batch from still taking effect. @returns whether it was committed */
  fence(batchId: string): Promise<boolean>;
  close(): Promise<void>;
}

/** The connection of a lane. */
interface LaneConnection {
  client(): Promise<Client>;
  drop(): void;
  close(): Promise<void>;
}

function createLaneConnection(databaseUrl: string, lane: number): LaneConnection {
  let current: Promise<Client> | undefined;
  const connect = async (): Promise<Client> => {
    const client = createClient(databaseUrl, `openledger lane ${lane}`);
    await client.connect();
    return client;
  };
  return {
    client() {
      current ??= connect().catch((error: unknown) => {
        current = undefined;
        throw error;
      });
      return current;
    },
    drop() {
      const dropped = current;
      current = undefined;
      void dropped?.then((client) => client.end()).catch(() => undefined);
    },
    async close() {
      const client = await current?.catch(() => undefined);
      current = undefined;
      await client?.end().catch(() => undefined);
    },
  };
}

export function createLaneStore(
  databaseUrl: string,
  lane: number,
  laneCount: number,
  guard: RowGuard,
): LaneStore {
  const connection = createLaneConnection(databaseUrl, lane);
  const run = async (text: string): Promise<void> => {
    await (await connection.client()).query(text);
  };
  return {
    begin: () => run('begin'),
    commit: () => run('commit'),
    rollBack: () => run('rollback'),
    dropClient: connection.drop,
    async rest(tries) {
      await sleep(backoffMs(tries));
    },
    loadRows: async (table, wanted) => selectRows(await connection.client(), table, wanted, guard),
    loadTakenKeys: async (keys) => selectTakenKeys(await connection.client(), keys),
    loadHoldings: async (of) => selectHoldings(await connection.client(), of),
    async readHead({ lock }) {
      const client = await connection.client();
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
      const client = await connection.client();
      const { rows } = await client.query<{ applied: number }>(buildBatchStatement(head, changes, guard));
      return rows[0]?.applied === 1;
    },
    async fence(batchId) {
      const client = await connection.client();
      await client.query('begin');
      // A batch that has not arrived yet will not find the head that it expects.
      await client.query('update lane_heads set seq = seq + 1 where bucket = $1', [lane]);
      const { rowCount } = await client.query('select 1 from batches where bucket = $1 and id = $2', [
        lane,
        batchId,
      ]);
      await client.query('commit');
      return rowCount === 1;
    },
    close: connection.close,
  };
}
