import { limits } from '../platform/limits.ts';

/** A page of a list: the rows, newest first, and the cursor of the next page if there is one. */
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly nextCursor: string | null;
}

const cursorVersion = 'c1.';

/** An id of ours, or that of a ledger account: an id and what it holds, such as `wal_…:available:usdc`. */
const idPattern = /^[a-z]+_[0-9a-z]{26}(:[0-9a-z_]+)*$/;

/** Makes the opaque cursor that goes on after this id. */
export function encodeCursor(id: string): string {
  return Buffer.from(cursorVersion + id).toString('base64url');
}

/**
 * Reads a cursor back.
 *
 * @returns the id after which the next page starts, or undefined when the text is no cursor of ours
 */
export function decodeCursor(cursor: string): string | undefined {
  if (cursor.length > limits.cursorLength || !/^[A-Za-z0-9_-]+$/.test(cursor)) return undefined;
  const text = Buffer.from(cursor, 'base64url').toString('latin1');
  if (!text.startsWith(cursorVersion) || Buffer.from(text).toString('base64url') !== cursor) return undefined;
  const id = text.slice(cursorVersion.length);
  return idPattern.test(id) ? id : undefined;
}

/**
 * Cuts the rows of a query for `limit + 1` rows into a page.
 *
 * @param isShown leaves rows out that are not ours
 */
export function toPage<Row extends { id: string }, Item>(
  rows: readonly Row[],
  limit: number,
  toItem: (row: Row) => Item,
  isShown: (row: Row) => boolean = () => true,
): Page<Item> {
  const shown = rows.length > limit ? rows.slice(0, limit) : rows;
  const last = shown.at(-1);
  return {
    items: shown.filter(isShown).map(toItem),
    nextCursor: rows.length > limit && last ? encodeCursor(last.id) : null,
  };
}
