import type { MacField, Vault } from '../platform/seal.ts';
import {
  type AuthenticatedTable,
  type AuthenticatedTableName,
  authenticatedTables,
} from './authenticated-rows.ts';

/** A row of a table that is authenticated, as it is read or written. */
export type GuardedRow = Readonly<Record<string, unknown>>;

/** The code of a row does not match: the row was forged or changed outside the server. The message holds no values of it. */
export class RowNotAuthenticError extends Error {
  override readonly name = 'RowNotAuthenticError';

  constructor(table: AuthenticatedTableName, rowId: string) {
    super(`The row ${rowId} of ${table} is not authentic`);
  }
}

/** Computes and checks the codes of authenticated rows. */
export interface RowGuard {
  /** The code of a row that is about to be written. */
  macOf(table: AuthenticatedTableName, row: GuardedRow): string;
  /** Whether the code in the row's column `mac` matches the row. */
  isAuthentic(table: AuthenticatedTableName, row: GuardedRow): boolean;
  /** The same for a row that is about to be used: a row that is not authentic is reported. */
  admits(table: AuthenticatedTableName, row: GuardedRow): boolean;
  /** Returns the row if it is authentic. @throws RowNotAuthenticError */
  require<Row extends object>(table: AuthenticatedTableName, row: Row): Row;
}

/**
 * Creates a guard with the keys of a vault.
 *
 * @param onForged is called with each row that is not authentic, to alert the operator
 */
export function createRowGuard(
  vault: Pick<Vault, 'isAuthentic' | 'mac'>,
  onForged: (table: AuthenticatedTableName, rowId: string) => void,
): RowGuard {
  const isAuthentic = (table: AuthenticatedTableName, row: GuardedRow): boolean => {
    const mac = row.mac;
    return typeof mac === 'string' && vault.isAuthentic(mac, fieldsOf(table, row), contextOf(table, row));
  };
  const admits = (table: AuthenticatedTableName, row: GuardedRow): boolean => {
    if (isAuthentic(table, row)) return true;
    onForged(table, rowIdOf(table, row));
    return false;
  };
  return {
    macOf: (table, row) => vault.mac(fieldsOf(table, row), contextOf(table, row)),
    isAuthentic,
    admits,
    require(table, row) {
      if (admits(table, row as GuardedRow)) return row;
      throw new RowNotAuthenticError(table, rowIdOf(table, row as GuardedRow));
    },
  };
}

/** The guard of a pool without a master key: every call throws. */
export const closedGuard: RowGuard = {
  macOf: refuse,
  isAuthentic: refuse,
  admits: refuse,
  require: refuse,
};

function refuse(): never {
  throw new Error('Rows cannot be authenticated without the master key');
}

/** A row's primary key without the bucket, as it is shown to the operator. */
export function rowIdOf(table: AuthenticatedTableName, row: GuardedRow): string {
  return keyOf(table)
    .filter((column) => column !== 'bucket')
    .map((column) => String(row[column]))
    .join(':');
}

function keyOf(table: AuthenticatedTableName): readonly string[] {
  return (authenticatedTables[table] as AuthenticatedTable).key;
}

function contextOf(table: AuthenticatedTableName, row: GuardedRow): string {
  let context: string = table;
  for (const column of keyOf(table)) context += `:${row[column]}`;
  return context;
}

function fieldsOf(table: AuthenticatedTableName, row: GuardedRow): MacField[] {
  const { fields }: AuthenticatedTable = authenticatedTables[table];
  let count = fields.length;
  while (count > 0 && (row[fields[count - 1] as string] ?? null) === null) count -= 1;
  const values: MacField[] = [];
  for (let index = 0; index < count; index += 1) {
    const value = row[fields[index] as string] ?? null;
    values.push(Buffer.isBuffer(value) ? value.toString('hex') : (value as MacField));
  }
  return values;
}
