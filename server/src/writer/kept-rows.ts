import type { AnyRow, TableName } from '../store/tables.ts';

const forged: unique symbol = Symbol('not authentic');

/** Stands in the place of a row that is there but is not ours: no command may see what it says. */
export function forgedRow(key: string, id: unknown): AnyRow {
  return { [key]: id, [forged]: true };
}

/** Whether a row stands in the place of one that is not ours. */
export function isForged(row: AnyRow | null | undefined): boolean {
  return row !== null && row !== undefined && forged in row;
}

/**
 * Rows as they are after the lane's last batch. While nobody else has written to the lane they are still true, and
 * need not be loaded again (architecture §2). `null` stands for a row known to be missing.
 */
export interface KeptRows {
  get(table: TableName, id: string): AnyRow | null | undefined;
  set(table: TableName, id: string, row: AnyRow | null): void;
  /** Makes room when there are too many. Only between batches: the rows of a running one must stay. */
  trim(): void;
  clear(): void;
}

/**
 * @param capacity how many rows are kept from batch to batch; those kept longest make room
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
      // A good deal more than needed, so that this is rare; each table gives up its share.
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
