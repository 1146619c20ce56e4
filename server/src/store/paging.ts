import { limits } from '../platform/limits.ts';

/** The page that a request asks for. */
export interface PageRequest {
  readonly limit: number;
  /** The page starts after this id; undefined for the first page. */
  readonly afterId: string | undefined;
}

/** A time span that a list is narrowed to: from `createdAfter` on, before `createdBefore`; ISO 8601. */
export interface CreatedSpan {
  readonly createdAfter?: string | undefined;
  readonly createdBefore?: string | undefined;
}

/** A page of a list: the items, newest first, and the cursor of the next page if there is one. */
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly nextCursor: string | null;
}

const cursorVersion = 'c1.';

/** An id, or the id of a ledger account: an owner's id and what the account holds, such as `wal_…:available:usdc`. */
const idPattern = /^[a-z]+_[0-9a-z]{26}(:[0-9a-z_]+)*$/;

/** The opaque cursor of the page that starts after this id. */
export function encodeCursor(id: string): string {
  return Buffer.from(cursorVersion + id).toString('base64url');
}

/**
 * Decodes a cursor.
 *
 * @returns the id after which the page starts, or undefined if `encodeCursor` did not make the text
 */
export function decodeCursor(cursor: string): string | undefined {
  if (cursor.length > limits.cursorLength || !/^[A-Za-z0-9_-]+$/.test(cursor)) return undefined;
  const text = Buffer.from(cursor, 'base64url').toString('latin1');
  if (!text.startsWith(cursorVersion) || Buffer.from(text).toString('base64url') !== cursor) return undefined;
  const id = text.slice(cursorVersion.length);
  return idPattern.test(id) ? id : undefined;
}

/**
 * Makes a page of the first `limit + 1` rows of a list.
 *
 * @param isShown whether a row is part of the page; rows that are not authentic are left out
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
