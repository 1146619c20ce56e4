import { limits } from '../platform/limits.ts';
import type { Vault } from '../platform/seal.ts';
import { arrayLiteral } from '../store/arrays.ts';
import { keyType } from '../store/authenticate-rows.ts';
import {
  type AuthenticatedTable,
  type AuthenticatedTableName,
  authenticatedColumns,
  authenticatedTables,
} from '../store/authenticated-rows.ts';
import type { Pool } from '../store/pool.ts';
import { createRowGuard, type RowGuard } from '../store/row-guard.ts';

/** What writing codes of rows anew needs. */
export interface Remacing {
  readonly pool: Pool;
  readonly vault: Vault;
}

type CodedRow = Readonly<Record<string, unknown>> & { readonly mac: string };

/** Makes and checks codes for a rotation. Forged rows are for `verify` to report. */
export function rotationGuard(vault: Vault): RowGuard {
  return createRowGuard(vault, () => undefined);
}

/** Which codes of a table `t` are not under the current master key, in SQL. */
function isOld(vault: Vault): string {
  return `t.mac not like 'mac.v1.${vault.currentKeyId()}.%'`;
}

/** How many codes of a table's rows are not under the current master key. */
export async function countOldMacs(
  { pool, vault }: Remacing,
  table: AuthenticatedTableName,
): Promise<number> {
  const { rows } = await pool.query<{ count: bigint }>(
    `select count(*) from ${table} t where ${isOld(vault)}`,
  );
  return Number(rows[0]?.count ?? 0n);
}

/**
 * Writes the codes of a table's rows anew under the current master key, some at a time. A row whose code does not hold
 * keeps it: a rotation must not make a forged row ours. So does a row that somebody changes meanwhile.
 *
 * @param onRows is told of each part that was written
 * @returns how many codes were written
 */
export async function remacTable(
  remacing: Remacing,
  table: AuthenticatedTableName,
  onRows: (count: number) => void,
): Promise<number> {
  const guard = rotationGuard(remacing.vault);
  let written = 0;
  let after: CodedRow | undefined;
  for (;;) {
    const rows = await readOld(remacing, table, after);
    if (rows.length === 0) return written;
    const ours = rows.filter((row) => guard.isAuthentic(table, row));
    if (ours.length > 0) {
      const count = await writeNew(remacing.pool, table, ours, guard);
      written += count;
      onRows(count);
    }
    after = rows.at(-1);
  }
}

async function readOld(
  { pool, vault }: Remacing,
  table: AuthenticatedTableName,
  after: CodedRow | undefined,
): Promise<CodedRow[]> {
  const { key }: AuthenticatedTable = authenticatedTables[table];
  const names = key.map((name) => `t.${name}`).join(', ');
  const place = key.map((name, index) => `$${index + 1}::${keyType(name)}`).join(', ');
  const { rows } = await pool.query<CodedRow>(
    `select ${authenticatedColumns(table)} from ${table} t
      where ${isOld(vault)} ${after ? `and (${names}) > (${place})` : ''} order by ${names} limit ${limits.rotationRows}`,
    after ? key.map((name) => after[name]) : [],
  );
  return rows;
}

async function writeNew(
  pool: Pool,
  table: AuthenticatedTableName,
  rows: readonly CodedRow[],
  guard: RowGuard,
): Promise<number> {
  const { key }: AuthenticatedTable = authenticatedTables[table];
  const lists = key.map((name) =>
    arrayLiteral(
      keyType(name),
      rows.map((row) => row[name]),
    ),
  );
  const types = [...key.map(keyType), 'text', 'text'];
  const { rowCount } = await pool.query(
    `update ${table} t set mac = u.new_mac
      from unnest(${types.map((type, index) => `$${index + 1}::${type}[]`).join(', ')}) as u(${key.join(', ')}, old_mac, new_mac)
      where ${key.map((name) => `t.${name} = u.${name}`).join(' and ')} and t.mac = u.old_mac`,
    [
      ...lists,
      arrayLiteral(
        'text',
        rows.map(({ mac }) => mac),
      ),
      arrayLiteral(
        'text',
        rows.map((row) => guard.macOf(table, row)),
      ),
    ],
  );
  return rowCount ?? 0;
}
