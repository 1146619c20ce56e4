import type { FaultDetail } from '../platform/errors.ts';
import { limits } from '../platform/limits.ts';

/** A request body, or what is wrong with it. */
export type ParsedJson =
  | { readonly ok: true; readonly value: unknown }
  | {
      readonly ok: false;
      readonly reason: string;
      readonly message: string;
      readonly details?: FaultDetail[];
    };

/**
 * Reads a request body as JSON, strictly: UTF-8, no duplicate keys, no `__proto__`, no NUL and no broken surrogate in
 * any text, no deeper than the limit (contract §1).
 */
export function parseJsonBody(bytes: Uint8Array): ParsedJson {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return { ok: false, reason: 'invalid_encoding', message: 'The body is not valid UTF-8.' };
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { ok: false, reason: 'invalid_json', message: 'The body is not valid JSON.' };
  }
  const walk: Walk = { keys: 0, faults: [] };
  inspect(value, '', 0, walk);
  if (walk.faults.length === 0 && walk.keys !== countMembers(text)) {
    walk.faults.push({ path: '', message: 'A key appears twice in one object.' });
  }
  if (walk.faults.length === 0) return { ok: true, value };
  const details = walk.faults.slice(0, limits.errorDetails);
  return {
    ok: false,
    reason: 'invalid_json',
    message: details[0]?.message ?? 'The body is refused.',
    details,
  };
}

interface Walk {
  keys: number;
  readonly faults: FaultDetail[];
}

function inspect(value: unknown, path: string, depth: number, walk: Walk): void {
  if (typeof value === 'string') {
    const fault = textFault(value);
    if (fault) walk.faults.push({ path, message: fault });
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  if (depth >= limits.jsonDepth) {
    walk.faults.push({ path: '', message: `The body is nested deeper than ${limits.jsonDepth} levels.` });
    return;
  }
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index += 1)
      inspect(value[index], `${path}/${index}`, depth + 1, walk);
    return;
  }
  for (const key of Object.keys(value)) {
    walk.keys += 1;
    const fault = key === '__proto__' ? 'The key __proto__ is not allowed.' : textFault(key);
    if (fault) walk.faults.push({ path, message: fault });
    inspect((value as Record<string, unknown>)[key], `${path}/${escapePointer(key)}`, depth + 1, walk);
  }
}

/** Why a text cannot be stored, if it cannot. */
export function textFault(text: string): string | undefined {
  if (text.includes('\0')) return 'A text must not contain the NUL character.';
  if (!text.isWellFormed()) return 'A text must not contain half of a surrogate pair.';
  return undefined;
}

/** Escapes a key for use in a JSON pointer (RFC 6901 §3). */
export function escapePointer(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}

/**
 * Counts the members of all objects in a text that is known to be JSON: each has one colon outside of texts.
 * `JSON.parse` keeps only the last of two equal keys, so a difference gives a duplicate away.
 */
function countMembers(text: string): number {
  let members = 0;
  let inText = false;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (inText) {
      if (code === 0x5c) index += 1;
      else if (code === 0x22) inText = false;
    } else if (code === 0x22) inText = true;
    else if (code === 0x3a) members += 1;
  }
  return members;
}
