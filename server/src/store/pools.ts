import { type ForEachKind, forEachKind } from '../platform/environments.ts';
import { limits } from '../platform/limits.ts';
import { createPool, type Pool } from './pool.ts';
import type { RowGuard } from './row-guard.ts';

/** The connections of a server besides those of its writer, separated so that no use can exhaust those of another. */
export interface Pools {
  /** For the workers, the health check, and the start. */
  readonly system: Pool;
  /** For the lookup of API keys, which must not wait for other queries. */
  readonly keys: Pool;
  /** For the requests of each kind of environment. */
  readonly reads: ForEachKind<Pool>;
  /** Sets the guard of all pools. */
  guard(rows: RowGuard): void;
  end(): Promise<void>;
}

/** Creates the pools. They connect when they are first used. */
export function createPools(databaseUrl: string): Pools {
  const system = createPool(databaseUrl, 'openledger', { max: limits.systemConnections });
  const keys = createPool(databaseUrl, 'openledger keys', { max: limits.keyConnections });
  const reads = forEachKind((kind) =>
    createPool(databaseUrl, `openledger ${kind}`, {
      max: limits.poolConnections,
      // A statement of a sandbox uses at most one processor of the database.
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
