import { ConfigError } from '../platform/config.ts';
import { limits } from '../platform/limits.ts';
import { arrayLiteral } from './arrays.ts';
import {
  type AuthenticatedTable,
  type AuthenticatedTableName,
  authenticatedColumns,
  authenticatedTables,
} from './authenticated-rows.ts';
import type { Pool } from './pool.ts';
import { inTransaction } from './transaction.ts';

/**
 * Ensures, before anything is served, that all rows have a code. Rows lack one if the database was copied without them.
 *
 * @param rowsFromBefore `bless` computes the missing codes; `refuse` leaves that to `openledger authenticate-rows`
 * @throws ConfigError when codes are missing and `rowsFromBefore` is `refuse`
 */
export async function requireAuthenticatedRows(
  pool: Pool,
  rowsFromBefore: 'bless' | 'refuse',
): Promise<void> {
  if (await areRowsAuthenticated(pool)) return;
  if (rowsFromBefore === 'bless') {
    await authenticateRows(pool);
    return;
  }
  throw new ConfigError(
    'The rows of this database are not authenticated. After an upgrade from a release that did not do so, run ' +
      '`openledger authenticate-rows` once. At any other time the database was changed outside the server: see "Forged rows" in ' +
      'SECURITY.md.',
  );
}

/** Whether every organisation has its code. Organisations get theirs last, so that all other rows have one then. */
export async function areRowsAuthenticated(pool: Pool): Promise<boolean> {
  const { rows } = await pool.query('select 1 from organisations where mac is null limit 1');
  return rows.length === 0;
}

/** Whether any row has a code. */
export async function isAnyRowAuthenticated(pool: Pool): Promise<boolean> {
  for (const table of Object.keys(authenticatedTables)) {
    const { rows } = await pool.query(`select 1 from ${table} where mac is not null limit 1`);
    if (rows.length > 0) return true;
  }
  return false;
}

/**
 * Computes the code of every row that has none, page by page. It may be interrupted and started again: rows with a code keep
 * it, even if the code is wrong.
 *
 * @returns the number of rows that got a code, by table
 */
export async function authenticateRows(pool: Pool): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  // Organisations last: their codes mark the end (`areRowsAuthenticated`).
  for (const table of (Object.keys(authenticatedTables) as AuthenticatedTableName[]).reverse())
    counts[table] = await authenticateTable(pool, table);
  return counts;
}

async function authenticateTable(pool: Pool, table: AuthenticatedTableName): Promise<number> {
  for (let count = 0; ; ) {
    const done = await authenticatePage(pool, table);
    count += done;
    if (done < limits.verifyPageRows) return count;
  }
}

async function authenticatePage(pool: Pool, table: AuthenticatedTableName): Promise<number> {
  const { key }: AuthenticatedTable = authenticatedTables[table];
  return inTransaction(pool, async (client) => {
    const { rows } = await client.query<Record<string, unknown>>(
      `select ${authenticatedColumns(table)} from ${table} t where t.mac is null limit $1 for update`,
      [limits.verifyPageRows],
    );
    if (rows.length === 0) return 0;
    const arrays = key.map((column, index) => `$${index + 1}::${keyType(column)}[]`);
    await client.query(
      `update ${table} t set mac = u.mac from unnest(${arrays.join(', ')}, $${key.length + 1}::text[])
          as u(${key.join(', ')}, mac)
        where ${key.map((column) => `t.${column} = u.${column}`).join(' and ')}`,
      [
        ...key.map((column) =>
          arrayLiteral(
            keyType(column),
            rows.map((row) => row[column]),
          ),
        ),
        arrayLiteral(
          'text',
          rows.map((row) => pool.guard.macOf(table, row)),
        ),
      ],
    );
    return rows.length;
  });
}

/** The type of a column of an authenticated table's primary key. */
export function keyType(column: string): 'int2' | 'text' {
  return column === 'bucket' || column === 'number' ? 'int2' : 'text';
}

/** The columns of an authenticated table's primary key with their types. */
export function keyTypes(table: AuthenticatedTableName): Record<string, 'int2' | 'text'> {
  const { key }: AuthenticatedTable = authenticatedTables[table];
  return Object.fromEntries(key.map((column) => [column, keyType(column)]));
}
