/** PostgreSQL types of columns. */
export type ColumnType =
  | 'bool'
  | 'bytea'
  | 'date'
  | 'int2'
  | 'int4'
  | 'int8'
  | 'json'
  | 'numeric'
  | 'text'
  | 'timestamptz';

/** A column of a table, and in `Value` the type of its values in the program. */
export interface Column<Value> {
  readonly type: ColumnType;
  /** Whether the value may change after the insert. */
  readonly isMutable: boolean;
  /** The value of a row that is given none: null, or else the neutral value of the type. */
  readonly blank: Value;
  /** This column, with null as a further value. */
  nullable(): Column<Value | null>;
  /** This column, with values that may change after the insert. */
  mutable(): Column<Value>;
}

function column<Value>(type: ColumnType, blank: Value, isMutable = false): Column<Value> {
  return {
    type,
    isMutable,
    blank,
    nullable: () => column<Value | null>(type, null, isMutable),
    mutable: () => column(type, blank, true),
  };
}

export const bool = (): Column<boolean> => column('bool', false);
export const bytea = (): Column<Buffer> => column('bytea', Buffer.alloc(0));
/** A day as PostgreSQL prints it: `2026-01-15`. */
export const date = (): Column<string> => column('date', '');
export const int2 = (): Column<number> => column('int2', 0);
export const int4 = (): Column<number> => column('int4', 0);
export const int8 = (): Column<bigint> => column('int8', 0n);
/** JSON text: not parsed when it is read. */
export const json = (): Column<string> => column('json', '{}');
/** A number of any size as decimal text. */
export const numeric = (): Column<string> => column('numeric', '0');
export const text = <Value extends string = string>(): Column<Value> => column('text', '' as Value);
/** A time as ISO 8601 text in UTC with milliseconds. */
export const timestamptz = (): Column<string> => column('timestamptz', '');

/** The columns of every row that has an id: its bucket leads the primary key. */
export const identified = { bucket: int2(), id: text() };

/** The columns of every row that belongs to an environment. */
export const owned = { ...identified, environment_id: text() };

type Columns = Readonly<Record<string, Column<unknown>>>;

type RowWith<Of extends Columns> = {
  -readonly [Name in keyof Of]: Of[Name] extends Column<infer Value> ? Value : never;
};

/** A table as set-based statements need it. Its rows have the type `Row`. */
export interface Table<Row> {
  readonly name: string;
  /** The type of each column, in the order in which statements name them. */
  readonly columns: Readonly<Record<keyof Row & string, ColumnType>>;
  /** Columns that may change after the insert; none for tables that are append-only. */
  readonly mutable: readonly (keyof Row & string)[];
  /** Columns that may be null. */
  readonly nullable: readonly (keyof Row & string)[];
  /**
   * The column that, with the bucket, identifies a row. Rows of a table without this column are only inserted: the writer
   * never reads or changes them.
   */
  readonly key: string;
  /** A row with the blank value of each column: rows made from it share one shape. */
  readonly blank: Readonly<Row>;
}

/** The row type of a table. */
export type RowIn<Of> = Of extends Table<infer Row> ? Row : never;

/**
 * Defines a table: everything else that the program knows of its columns derives from this.
 *
 * @param key the column that, with the bucket, identifies a row
 */
export function table<Of extends Columns>(name: string, columns: Of, key = 'id'): Table<RowWith<Of>> {
  const entries = Object.entries(columns);
  const namesOf = (isWanted: (column: Column<unknown>) => boolean) =>
    entries.filter(([, one]) => isWanted(one)).map(([columnName]) => columnName);
  return {
    name,
    columns: Object.fromEntries(entries.map(([columnName, { type }]) => [columnName, type])),
    mutable: namesOf(({ isMutable }) => isMutable),
    nullable: namesOf(({ blank }) => blank === null),
    key,
    blank: Object.fromEntries(entries.map(([columnName, { blank }]) => [columnName, blank])),
  } as unknown as Table<RowWith<Of>>;
}
