import { hash } from 'node:crypto';
import type { PostgresPool, PostgresPoolClient } from 'kysely';
import { limits } from '../platform/limits.ts';
import type { Pool, PoolClient } from './pool.ts';
import { sqlState } from './transaction.ts';

/**
 * A pool that prepares every statement under a name, so that each connection parses and plans it once (decision 0015).
 */
export function preparingPool(pool: Pool): PostgresPool {
  const names = new Map<string, string>();
  const nameOf = (text: string): string | undefined => {
    const known = names.get(text);
    if (known !== undefined || names.size >= limits.preparedStatements) return known;
    const name = `read_${hash('sha256', text, 'hex').slice(0, 16)}`;
    names.set(text, name);
    return name;
  };
  return {
    connect: async () => prepare(await pool.connect(), nameOf),
    end: () => pool.end(),
    options: pool.options,
  };
}

function prepare(client: PoolClient, nameOf: (text: string) => string | undefined): PostgresPoolClient {
  const query = async (text: string, values: readonly unknown[]) => {
    const name = nameOf(text);
    const plain = { text, values: [...values] };
    if (name === undefined) return client.query(plain);
    try {
      return await client.query({ name, ...plain });
    } catch (error) {
      if (!isOutdated(error)) throw error;
      return await client.query(plain);
    }
  };
  return {
    query: query as unknown as PostgresPoolClient['query'],
    release: (destroy) => client.release(destroy),
  };
}

/** "cached plan must not change result type": a newer release has added a column to the table. */
function isOutdated(error: unknown): boolean {
  return sqlState(error) === '0A000' && /cached plan/.test((error as Error).message);
}
