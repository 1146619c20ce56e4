import { type Client, createClient } from '../store/pool.ts';
import type { Statement } from './statement.ts';

/** The lane count in the database is no longer the one this process was started with. */
export class LaneCountChangedError extends Error {
  override readonly name = 'LaneCountChangedError';
}

/** A lane's own connection and its head row. */
export interface LaneStore {
  /** The connection, made anew when it was lost. */
  client(): Promise<Client>;
  /** Gives the connection up: the next use makes a new one. */
  dropClient(): void;
  /** @throws LaneCountChangedError */
  readHead(options: { lock: boolean }): Promise<bigint>;
  /** @returns whether the lane was still as expected, so that the batch took effect */
  write(statement: Statement): Promise<boolean>;
  /**
   * After a lost connection: shuts out a batch that may still be running, and tells whether it was committed.
   */
  fence(batchId: string): Promise<boolean>;
  close(): Promise<void>;
}

export function createLaneStore(databaseUrl: string, lane: number, laneCount: number): LaneStore {
  let current: Promise<Client> | undefined;

  const connect = async (): Promise<Client> => {
    const client = createClient(databaseUrl, `openledger lane ${lane}`);
    await client.connect();
    return client;
  };

  const store: LaneStore = {
    client() {
      current ??= connect().catch((error: unknown) => {
        current = undefined;
        throw error;
      });
      return current;
    },
    dropClient() {
      const dropped = current;
      current = undefined;
      void dropped?.then((client) => client.end()).catch(() => undefined);
    },
    async readHead({ lock }) {
      const client = await store.client();
      const { rows } = await client.query<{ seq: bigint; lane_count: number }>({
        name: lock ? 'lock_head' : 'read_head',
        text: `select seq, lane_count from lane_heads where bucket = $1::int2 ${lock ? 'for update' : ''}`,
        values: [lane],
      });
      const head = rows[0];
      if (head?.lane_count !== laneCount) {
        throw new LaneCountChangedError(
          `This server was started with ${laneCount} lanes, the database now has ${head?.lane_count ?? 0}`,
        );
      }
      return head.seq;
    },
    async write(statement) {
      const client = await store.client();
      const { rows } = await client.query<{ applied: number }>(statement);
      return rows[0]?.applied === 1;
    },
    async fence(batchId) {
      const client = await store.client();
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
  return store;
}
