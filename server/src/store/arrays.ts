import type { ColumnType } from './tables/table.ts';

/**
 * Writes one column of many rows as a PostgreSQL array literal (documentation, "8.15.2 Array Value Input"), the form
 * in which `unnest` takes a set of rows apart again.
 *
 * @param type decides which values need quoting: numbers, ids and times never do
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
/** Texts that the server itself makes (ids, hashes, names of states) need no quotes. */
const harmless = /^[0-9A-Za-z_.:-]{1,200}$/;
const needsEscape = /["\\]/;
const escapes = /["\\]/g;
/** What JSON writes in another way than an array literal does: control characters. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const control = /[\u0000-\u001f]/;

function quote(value: unknown): string {
  const text = value as string;
  if (harmless.test(text) && text.length !== 4) return text;
  if (!needsEscape.test(text)) return `"${text}"`;
  // JSON puts the same backslashes before the same two characters, and is written several times as fast.
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
