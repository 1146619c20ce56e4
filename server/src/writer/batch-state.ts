import { assert } from '../platform/errors.ts';
import type { AnyRow, TableName } from '../store/tables.ts';
import { tableNamed } from '../store/tables.ts';
import type { KeptRows } from './kept-rows.ts';

/** Rows of one table that a batch writes. */
export interface TableChange {
  readonly table: TableName;
  readonly rows: readonly AnyRow[];
}

/** Everything that a batch writes, table by table in a fixed order. */
export interface Changes {
  readonly inserts: readonly TableChange[];
  readonly updates: readonly TableChange[];
}

/**
 * The rows as the batch has changed them so far, on top of the rows that were cached or loaded. The writes of a command are a
 * draft until the command is accepted.
 */
export interface BatchState {
  /** The row with all effects so far, including the draft. */
  read(table: TableName, id: string): AnyRow | undefined;
  write(table: TableName, row: AnyRow): void;
  acceptDraft(): void;
  discardDraft(): void;
  changes(): Changes;
  /** Carries the changes over into the cached rows. */
  keepChanges(): void;
}

interface Written {
  readonly table: TableName;
  readonly id: string;
  readonly row: AnyRow;
}

export function createBatchState(kept: KeptRows): BatchState {
  const accepted = new Map<string, Written>();
  const added: { table: TableName; row: AnyRow }[] = [];
  let draft = new Map<string, Written>();
  let draftAdded: { table: TableName; row: AnyRow }[] = [];
  const keyOf = (table: TableName, id: string): string => `${table}/${id}`;
  const isNew = ({ table, id }: Written): boolean => !kept.get(table, id);

  return {
    read(table, id) {
      const key = keyOf(table, id);
      return (draft.get(key) ?? accepted.get(key))?.row ?? kept.get(table, id) ?? undefined;
    },
    write(table, row) {
      const id = row[tableNamed(table).key];
      if (typeof id !== 'string') {
        draftAdded.push({ table, row });
        return;
      }
      draft.set(keyOf(table, id), { table, id, row });
    },
    acceptDraft() {
      for (const [key, written] of draft) accepted.set(key, written);
      added.push(...draftAdded);
      this.discardDraft();
    },
    discardDraft() {
      draft = new Map();
      draftAdded = [];
    },
    changes() {
      assert(
        draft.size === 0 && draftAdded.length === 0,
        'every draft is accepted or discarded before the batch is written',
      );
      const inserts = new Map<TableName, AnyRow[]>();
      const updates = new Map<TableName, AnyRow[]>();
      const put = (into: Map<TableName, AnyRow[]>, table: TableName, row: AnyRow): void => {
        const rows = into.get(table);
        if (rows) rows.push(row);
        else into.set(table, [row]);
      };
      for (const { table, row } of added) put(inserts, table, row);
      for (const written of accepted.values())
        put(isNew(written) ? inserts : updates, written.table, written.row);
      return { inserts: inOrder(inserts), updates: inOrder(updates) };
    },
    keepChanges() {
      // Only rows that a command has read: rows that are only written (new transactions) are rarely read soon.
      for (const { table, id, row } of accepted.values()) {
        if (kept.get(table, id) !== undefined) kept.set(table, id, row);
      }
    },
  };
}

function inOrder(byTable: ReadonlyMap<TableName, AnyRow[]>): TableChange[] {
  return [...byTable.keys()].sort().map((table) => ({ table, rows: byTable.get(table) ?? [] }));
}
