import { randomBytes } from 'node:crypto';
import { systemClock } from '../../server/src/platform/clock.ts';
import { createIdSource } from '../../server/src/platform/ids.ts';
import { createVault, type Vault } from '../../server/src/platform/seal.ts';
import { createPool, type Pool } from '../../server/src/store/pool.ts';
import { createRowGuard } from '../../server/src/store/row-guard.ts';
import type { RetryReason } from '../../server/src/writer/lane-events.ts';
import { prepareLanes } from '../../server/src/writer/lanes.ts';
import { createWriter, type Writer } from '../../server/src/writer/writer.ts';
import { createDatabase } from './database.ts';

/** Writers of several "processes" on one fresh database, without a server around them. */
export interface WriterBench {
  readonly pool: Pool;
  readonly databaseUrl: string;
  readonly vault: Vault;
  /** Why batches had to be tried again, in the order it happened. */
  readonly retries: RetryReason[];
  /** How many commands each batch had. */
  readonly batches: number[];
  readonly fatal: Error[];
  open(): Writer;
  stop(): Promise<void>;
}

/** @param lanes how many lanes all the writers have */
export async function createWriterBench(lanes = 1): Promise<WriterBench> {
  const database = await createDatabase();
  const pool = createPool(database.servingUrl, 'test');
  const vault = createVault(randomBytes(32));
  pool.guard = createRowGuard(vault, () => undefined);
  const writers: Writer[] = [];
  const bench: WriterBench = {
    pool,
    databaseUrl: database.url,
    vault,
    retries: [],
    batches: [],
    fatal: [],
    open() {
      const writer = createWriter({
        databaseUrl: database.servingUrl,
        guard: pool.guard,
        laneCount: lanes,
        clock: systemClock,
        nowIn: () => systemClock.now(),
        ids: createIdSource(systemClock),
        vault,
        publicUrl: () => 'http://localhost:4000',
        events: {
          onBatch: ({ commands }) => void bench.batches.push(commands),
          onRetry: (reason) => void bench.retries.push(reason),
          onFatal: (error) => void bench.fatal.push(error),
        },
      });
      writers.push(writer);
      return writer;
    },
    async stop() {
      await Promise.all(writers.map((writer) => writer.close()));
      await pool.end();
      await database.drop();
    },
  };
  await prepareLanes(pool, lanes);
  return bench;
}
