import type { ColumnType } from './tables/table.ts';

/**
 * Writes a column of many rows as a PostgreSQL array literal (documentation, "8.15.2 Array Value Input"), for `unnest`.
 *
 * @param type the type of the elements: numbers and times are not quoted
 */
export function arrayLiteral(type: ColumnType, values: readonly unknown[]): string {
  const encode = encoders[type];
  let text = '{';
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index];
    if (index > 0) text += ',';
    text += value === null || value === undefined ? 'NULL' : encode(value);
  }
  return `${text}}`;
}

const plain = (value: unknown): string => String(value);
/** Texts without special characters (ids, hashes, statuses) need no quotes, except the word NULL. */
const unquoted = /^[0-9A-Za-z_.:-]{1,200}$/;
const needsEscape = /["\\]/;
const escapes = /["\\]/g;
/** Control characters: JSON escapes them differently from an array literal. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the expression looks for them
const control = /[\u0000-\u001f]/;

function quote(value: unknown): string {
  const text = value as string;
  if (unquoted.test(text) && text.length !== 4) return text;
  if (!needsEscape.test(text)) return `"${text}"`;
  // JSON escapes the same two characters in the same way, and `JSON.stringify` is several times as fast.
  if (!control.test(text) && text.isWellFormed()) return JSON.stringify(text);
  return `"${text.replace(escapes, '\\$&')}"`;
}

const encoders: Record<ColumnType, (value: unknown) => string> = {
  bool: (value) => (value === true ? 't' : 'f'),
  bytea: (value) => `"\\\\x${(value as Buffer).toString('hex')}"`,
  date: plain,
  int2: plain,
  int4: plain,
  int8: plain,
  json: quote,
  numeric: plain,
  text: quote,
  timestamptz: plain,
};
