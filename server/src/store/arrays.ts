import type { ColumnType } from './tables.ts';

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

function quote(value: unknown): string {
  const text = value as string;
  if (harmless.test(text) && text.length !== 4) return text;
  return needsEscape.test(text) ? `"${text.replace(escapes, '\\$&')}"` : `"${text}"`;
}

const encoders: Record<ColumnType, (value: unknown) => string> = {
  bool: (value) => (value === true ? 't' : 'f'),
  bytea: (value) => `"\\\\x${(value as Buffer).toString('hex')}"`,
  int2: plain,
  int4: plain,
  int8: plain,
  json: quote,
  text: quote,
  timestamptz: plain,
};
