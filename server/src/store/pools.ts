import { type ForEachKind, forEachKind } from '../platform/environments.ts';
import { limits } from '../platform/limits.ts';
import { createPool, type Pool } from './pool.ts';
import type { RowGuard } from './row-guard.ts';

/** The connections of a server, apart from those of its writer: nobody can use up what another one needs. */
export interface Pools {
  /** For the workers, for health, and for the start. */
  readonly system: Pool;
  /** For looking API keys up: whoever has one gets in, whatever else is going on. */
  readonly keys: Pool;
  /** For the requests of each kind of environment. */
  readonly reads: ForEachKind<Pool>;
  /** Gives all of them what checks the rows that they read. */
  guard(rows: RowGuard): void;
  end(): Promise<void>;
}

/** Opens the pools. They connect when they are first used. */
export function createPools(databaseUrl: string): Pools {
  const system = createPool(databaseUrl, 'openledger', { max: limits.systemConnections });
  const keys = createPool(databaseUrl, 'openledger keys', { max: limits.keyConnections });
  const reads = forEachKind((kind) =>
    createPool(databaseUrl, `openledger ${kind}`, {
      max: limits.poolConnections,
      // A statement of a sandbox takes one processor of the database at most.
      ...(kind === 'test' ? { settings: { max_parallel_workers_per_gather: '0' } } : {}),
    }),
  );
  const all = [system, keys, reads.test, reads.live];
  return {
    system,
    keys,
    reads,
    guard(rows) {
      for (const pool of all) pool.guard = rows;
    },
    async end() {
      await Promise.all(all.map((pool) => pool.end()));
    },
  };
}
