import { limits } from '../platform/limits.ts';
import type { Vault } from '../platform/seal.ts';
import { arrayLiteral } from '../store/arrays.ts';
import { keyTypes } from '../store/authenticate-rows.ts';
import { type AuthenticatedTableName, authenticatedColumns } from '../store/authenticated-rows.ts';
import { readKeyPages } from '../store/key-pages.ts';
import type { Pool } from '../store/pool.ts';
import { createRowGuard, type RowGuard } from '../store/row-guard.ts';

/** What computing codes of rows again needs. */
export interface Remacing {
  readonly pool: Pool;
  readonly vault: Vault;
}

type CodedRow = Readonly<Record<string, unknown>> & { readonly mac: string };

/** Computes and checks codes during a rotation. Reporting forged rows is left to `verify`. */
export function rotationGuard(vault: Vault): RowGuard {
  return createRowGuard(vault, () => undefined);
}

/** An SQL condition for rows of a table `t` whose code is not under the current master key. */
function isOld(vault: Vault): string {
  return `t.mac not like 'mac.v1.${vault.currentKeyId()}.%'`;
}

/** The number of a table's rows whose code is not under the current master key. */
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
 * Computes the codes of a table's rows again under the current master key, page by page. A row whose code is wrong keeps it,
 * because a rotation must not make a forged row authentic. So does a row that is changed concurrently.
 *
 * @param onRows is called with the number of rows of each page that were written
 * @returns how many codes were written
 */
export async function remacTable(
  { pool, vault }: Remacing,
  table: AuthenticatedTableName,
  onRows: (count: number) => void,
): Promise<number> {
  const guard = rotationGuard(vault);
  const pages = readKeyPages<CodedRow>(pool, {
    columns: authenticatedColumns(table),
    from: `${table} t`,
    where: [isOld(vault)],
    values: [],
    key: keyTypes(table),
    pageRows: limits.rotationRows,
  });
  let written = 0;
  for await (const rows of pages) {
    const authentic = rows.filter((row) => guard.isAuthentic(table, row));
    if (authentic.length === 0) continue;
    const count = await writeNew(pool, table, authentic, guard);
    written += count;
    onRows(count);
  }
  return written;
}

async function writeNew(
  pool: Pool,
  table: AuthenticatedTableName,
  rows: readonly CodedRow[],
  guard: RowGuard,
): Promise<number> {
  const typed = keyTypes(table);
  const key = Object.keys(typed);
  const lists = Object.entries(typed).map(([name, type]) =>
    arrayLiteral(
      type,
      rows.map((row) => row[name]),
    ),
  );
  const types = [...Object.values(typed), 'text', 'text'];
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
