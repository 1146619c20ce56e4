import { limits } from '../platform/limits.ts';
import { erasedValue, type SaltSource, sealedCustomer, unlessErased, type Vault } from '../platform/seal.ts';
import { arrayLiteral } from '../store/arrays.ts';
import { authenticatedColumns } from '../store/authenticated-rows.ts';
import { readKeyPages } from '../store/key-pages.ts';
import type { Pool, Queryable } from '../store/pool.ts';
import { inTransaction } from '../store/transaction.ts';
import type { SealedColumn, SealedRow } from './columns.ts';
import { rotationGuard } from './remac.ts';

/** What sealing values again needs. */
export interface Resealing {
  readonly pool: Pool;
  /** Seals under the current key, and opens under earlier keys too. */
  readonly vault: Vault;
  readonly salts: SaltSource;
}

/** A row with its new value. */
interface Rewritten {
  readonly row: SealedRow;
  readonly value: string;
  readonly index: string | null;
  /** The row's code, where it covers the fingerprint. */
  readonly mac: string | null;
}

/** An SQL condition for rows of a table `t` whose value is not sealed under the current key. */
function isOld({ column }: SealedColumn, keyId: string): string {
  return `t.${column} like 'sealed.%' and t.${column} not like 'sealed.v2.${keyId}.%' and t.${column} <> '${erasedValue}'`;
}

/** The number of values of a column that are not sealed under the current key. */
export async function countOld({ pool, vault }: Resealing, column: SealedColumn): Promise<number> {
  const { rows } = await pool.query<{ count: bigint }>(
    `select count(*) from ${column.table} t where ${isOld(column, vault.currentKeyId())}`,
  );
  return Number(rows[0]?.count ?? 0n);
}

/**
 * Seals the values of a column again under the current key, page by page. A value that was sealed under the master key itself
 * is sealed under the key of its customer or environment. A value that is changed concurrently is skipped, and so is a row
 * whose code is wrong and covers what would change.
 *
 * @param onRows is called with the number of values of each page that were written
 * @returns how many values were written
 */
export async function resealColumn(
  resealing: Resealing,
  column: SealedColumn,
  onRows: (count: number) => void,
): Promise<number> {
  let written = 0;
  for await (const rows of readOld(resealing, column)) {
    const count = await writeNew(resealing, column, await rewrite(resealing, column, rows));
    written += count;
    onRows(count);
  }
  return written;
}

function readOld({ pool, vault }: Resealing, column: SealedColumn): AsyncGenerator<SealedRow[]> {
  const names = Object.keys(column.key).map((name) => `t.${name}`);
  return readKeyPages<SealedRow>(pool, {
    columns: `${names.join(', ')}, t.${column.column} as value, ${column.environment} as environment_id,
      ${column.customer} as customer_id${column.also === undefined ? '' : `, ${column.also}`}${codedColumns(column)}`,
    from: `${column.table} t ${column.join ?? ''}`,
    where: [isOld(column, vault.currentKeyId())],
    values: [],
    key: column.key,
    pageRows: column.isLarge ? limits.rotationLargeRows : limits.rotationRows,
  });
}

function codedColumns({ index }: SealedColumn): string {
  return index?.codedBy === undefined ? '' : `, ${authenticatedColumns(index.codedBy)}`;
}

async function rewrite(
  { salts, vault }: Resealing,
  column: SealedColumn,
  rows: readonly SealedRow[],
): Promise<Rewritten[]> {
  const wanted = rows.flatMap(({ customer_id, value }) => [customer_id, sealedCustomer(value)]);
  await salts.load([...new Set(wanted.filter((id) => id != null))]);
  const rewritten: Rewritten[] = [];
  for (const row of rows) {
    let opened: Buffer | undefined;
    try {
      opened = unlessErased(() => vault.openBytes(row.value, column.context(row)), undefined);
    } catch {
      // A value that does not open was damaged or forged: it is left as it is, and remains counted.
      continue;
    }
    const owner = opened && (await ownerOf(row, opened, column, salts));
    const salt = owner ? salts.saltOf(owner) : undefined;
    if (!opened || salt === null) {
      rewritten.push({ row, value: erasedValue, index: null, mac: null });
      continue;
    }
    const environment = row.environment_id === null ? vault : vault.inEnvironment(row.environment_id);
    const own =
      owner && salt
        ? vault.forCustomer({ id: owner, environment_id: row.environment_id ?? '', key_salt: salt })
        : environment;
    const index = column.index?.of(opened.toString('utf8'), row, vault) ?? null;
    const mac = index === null ? null : macWith(vault, column, row, index);
    if (mac === undefined) continue;
    rewritten.push({ row, value: own.seal(opened, column.context(row)), index, mac });
  }
  return rewritten;
}

/**
 * The code of a row with its new fingerprint, if the code covers the fingerprint.
 *
 * @returns null if the code does not cover it; undefined if the row's code is wrong: the row is left as it is until it is
 *   repaired, and a later rotation writes it
 */
function macWith(
  vault: Vault,
  { index }: SealedColumn,
  row: SealedRow,
  fingerprint: string,
): string | null | undefined {
  if (index?.codedBy === undefined) return null;
  const guard = rotationGuard(vault);
  if (!guard.isAuthentic(index.codedBy, row)) return undefined;
  return guard.macOf(index.codedBy, { ...row, [index.column]: fingerprint });
}

/** The customer whose value it is: named by the sealed value itself, else by the row, else by the content. */
async function ownerOf(
  row: SealedRow,
  opened: Buffer,
  { customerIn }: SealedColumn,
  salts: SaltSource,
): Promise<string | undefined> {
  const named = sealedCustomer(row.value) ?? row.customer_id ?? customerIn?.(opened.toString('utf8'));
  if (named == null) return undefined;
  await salts.load([named]);
  return named;
}

async function writeNew(
  { pool }: Resealing,
  { column, index, key, table }: SealedColumn,
  rewritten: readonly Rewritten[],
): Promise<number> {
  const names = Object.keys(key);
  const lists = Object.entries(key).map(([name, type]) =>
    arrayLiteral(
      type,
      rewritten.map(({ row }) => row[name]),
    ),
  );
  const texts = (of: (one: Rewritten) => string | null): string => arrayLiteral('text', rewritten.map(of));
  const types = [...Object.values(key), 'text', 'text', 'text', 'text', 'text'];
  // The value of an erased customer has no new fingerprint: the row keeps the old one, and thereby its code.
  const indexed = index === undefined ? '' : `, ${index.column} = coalesce(u.new_index, t.${index.column})`;
  const coded = index?.codedBy === undefined ? '' : ', mac = coalesce(u.new_mac, t.mac)';
  const unchanged = coded === '' ? '' : ' and t.mac is not distinct from u.old_mac';
  const text = `update ${table} t set ${column} = u.new_value${indexed}${coded}
      from unnest(${types.map((type, at) => `$${at + 1}::${type}[]`).join(', ')})
        as u(${names.join(', ')}, old_value, new_value, new_index, old_mac, new_mac)
      where ${names.map((name) => `t.${name} = u.${name}`).join(' and ')} and t.${column} = u.old_value${unchanged}`;
  const values = [
    ...lists,
    texts(({ row }) => row.value),
    texts(({ value }) => value),
    texts((one) => one.index),
    texts(({ row }) => (row.mac as string | undefined) ?? null),
    texts((one) => one.mac),
  ];
  const write = async (db: Queryable): Promise<number> => (await db.query(text, values)).rowCount ?? 0;
  if (coded === '') return write(pool);
  return inTransaction(pool, async (client) => {
    // A lane that caches such a row would compute its code over the old fingerprint: a new seq makes it drop the row.
    await client.query('update lane_heads set seq = seq + 1');
    return write(client);
  });
}
