import type { AnyRow, TableName } from '../store/tables.ts';

const forged: unique symbol = Symbol('not authentic');

/** Takes the place of a row that is not authentic: no command may see its values. */
export function forgedRow(key: string, id: unknown): AnyRow {
  return { [key]: id, [forged]: true };
}

/** Whether a row takes the place of one that is not authentic. */
export function isForged(row: AnyRow | null | undefined): boolean {
  return row !== null && row !== undefined && forged in row;
}

/**
 * A cache of rows as they are after the lane's last batch. While no other server writes to the lane they are current, and need
 * not be loaded again (architecture §2). `null` stands for a row that is known not to exist.
 */
export interface KeptRows {
  get(table: TableName, id: string): AnyRow | null | undefined;
  set(table: TableName, id: string, row: AnyRow | null): void;
  /** Drops rows if there are too many. Must be called between batches only: the rows of a running batch must stay. */
  trim(): void;
  clear(): void;
}

/**
 * @param capacity how many rows are cached from batch to batch; the oldest are dropped first
 */
export function createKeptRows(capacity: number): KeptRows {
  const byTable = new Map<TableName, Map<string, AnyRow | null>>();

  const rowsOf = (table: TableName): Map<string, AnyRow | null> => {
    const rows = byTable.get(table) ?? new Map<string, AnyRow | null>();
    byTable.set(table, rows);
    return rows;
  };

  return {
    get: (table, id) => byTable.get(table)?.get(id),
    set: (table, id, row) => void rowsOf(table).set(id, row),
    trim() {
      let count = 0;
      for (const rows of byTable.values()) count += rows.size;
      if (count <= capacity) return;
      // Drops a fifth more than needed, so that this is rare; each table gives its share.
      for (const rows of byTable.values())
        dropOldest(rows, Math.ceil((rows.size * (count - capacity * 0.8)) / count));
    },
    clear: () => byTable.clear(),
  };
}

function dropOldest(rows: Map<string, AnyRow | null>, count: number): void {
  let left = count;
  for (const id of rows.keys()) {
    if (left-- <= 0) return;
    rows.delete(id);
  }
}
