import type { FaultDetail } from '../platform/errors.ts';
import { limits } from '../platform/limits.ts';
import { repeatedKey, scanJson } from './json-scan.ts';

/** A parsed request body, or its faults. */
export type ParsedJson =
  | { readonly ok: true; readonly value: unknown }
  | {
      readonly ok: false;
      readonly reason: string;
      readonly message: string;
      readonly details?: FaultDetail[];
    };

/**
 * Parses a request body as strict JSON: UTF-8, no duplicate keys, no `__proto__`, no NUL and no lone surrogate in any text,
 * no number that is too long or too precise, no deeper nesting than the limit (contract §1). Takes linear time for any
 * body, and reports at most `limits.errorDetails` faults.
 */
export function parseJsonBody(bytes: Uint8Array): ParsedJson {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return { ok: false, reason: 'invalid_encoding', message: 'The body is not valid UTF-8.' };
  }
  const { fault, isExact, members } = scanJson(text);
  if (fault !== undefined) return refused([{ path: '', message: fault }]);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { ok: false, reason: 'invalid_json', message: 'The body is not valid JSON.' };
  }
  const walk: Walk = { keys: 0, faults: [], path: [] };
  inspect(value, 0, walk);
  if (walk.faults.length === 0 && walk.keys !== members) {
    const path = `/${escapePointer(repeatedKey(text) ?? '')}`;
    walk.faults.push({ path, message: 'A key must appear once in an object.' });
  }
  if (!isExact) {
    walk.faults.push({
      path: '',
      message: 'A number must not have more decimals than a double can represent; send it as a string.',
    });
  }
  return walk.faults.length === 0 ? { ok: true, value } : refused(walk.faults.slice(0, limits.errorDetails));
}

function refused(details: FaultDetail[]): ParsedJson {
  const message = details[0]?.message ?? 'The body is refused.';
  return { ok: false, reason: 'invalid_json', message, details };
}

interface Walk {
  keys: number;
  readonly faults: FaultDetail[];
  /** The path to the current value, valid up to the current depth; formatted only for a fault. */
  readonly path: (string | number)[];
}

function inspect(value: unknown, depth: number, walk: Walk): void {
  if (typeof value === 'string') {
    addFault(textFault(value), depth, walk);
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length && !isFull(walk); index += 1) {
      walk.path[depth] = index;
      inspect(value[index], depth + 1, walk);
    }
    return;
  }
  for (const key of Object.keys(value)) {
    if (isFull(walk)) return;
    walk.keys += 1;
    addFault(key === '__proto__' ? 'The key __proto__ is not allowed.' : textFault(key), depth, walk);
    walk.path[depth] = key;
    inspect((value as Record<string, unknown>)[key], depth + 1, walk);
  }
}

function isFull({ faults }: Walk): boolean {
  return faults.length >= limits.errorDetails;
}

function addFault(message: string | undefined, depth: number, { faults, path }: Walk): void {
  if (message === undefined) return;
  const keys = path.slice(0, depth).map((key) => `/${escapePointer(String(key))}`);
  faults.push({ path: keys.join(''), message });
}

/** Why a text cannot be stored; undefined if it can. */
export function textFault(text: string): string | undefined {
  if (text.includes('\0')) return 'A text must not contain the NUL character.';
  if (!text.isWellFormed()) return 'A text must not contain a lone surrogate.';
  return undefined;
}

/** Escapes a key for use in a JSON pointer (RFC 6901 §3). */
export function escapePointer(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}
