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
  const { isExact, members } = scan(text);
  if (walk.faults.length === 0 && walk.keys !== members) {
    walk.faults.push({ path: repeatedKey(text), message: 'This key appears twice in one object.' });
  }
  if (!isExact) {
    walk.faults.push({
      path: '',
      message: 'A number has more decimals than can be kept; send it as a text.',
    });
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

/** What only the text of a body tells. */
interface Scan {
  /** The members of all its objects: `JSON.parse` keeps only the last of two equal keys, so a difference tells. */
  readonly members: number;
  /** Whether every number in it is the very number that JavaScript makes of it. */
  readonly isExact: boolean;
}

/** Goes through a text that is known to be JSON: each member has one colon outside of texts. */
function scan(text: string): Scan {
  let members = 0;
  let isExact = true;
  let numberStart = -1;
  let inText = false;
  for (let index = 0; index <= text.length; index += 1) {
    const code = index < text.length ? text.charCodeAt(index) : 0;
    if (inText) {
      if (code === 0x5c) index += 1;
      else if (code === 0x22) inText = false;
      continue;
    }
    const isNumeric =
      (code >= 0x30 && code <= 0x39) ||
      (code >= 0x2b && code <= 0x2e && code !== 0x2c) ||
      code === 0x65 ||
      code === 0x45;
    if (isNumeric && numberStart < 0) numberStart = index;
    else if (!isNumeric && numberStart >= 0) {
      isExact &&= isExactNumber(text.slice(numberStart, index));
      numberStart = -1;
    }
    if (code === 0x22) inText = true;
    else if (code === 0x3a) members += 1;
  }
  return { members, isExact };
}

/** Up to 15 digits always fit a double (IEEE 754); more decimals are compared. Too large is for others to say. */
function isExactNumber(token: string): boolean {
  const value = Number(token);
  return (
    token.length <= 15 ||
    !token.includes('.') ||
    !Number.isFinite(value) ||
    plainDigits(token) === plainDigits(String(value))
  );
}

/** A number's digits and exponent without zeros at either end, so that equal numbers are equal texts. */
function plainDigits(token: string): string {
  const [, whole = '', fraction = '', power = '0'] =
    /^-?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(token) ?? [];
  const digits = (whole + fraction).replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return '0';
  return `${significant}e${Number(power) - fraction.length + digits.length - significant.length}`;
}

/** The first key that an object of this JSON text has twice, as `/key`. Only called when there is one. */
function repeatedKey(text: string): string {
  const objects: Set<string>[] = [];
  const tokens = text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?|[{}]/g);
  for (const [token, colon] of tokens) {
    if (token === '{') objects.push(new Set());
    else if (token === '}') objects.pop();
    else if (colon !== undefined) {
      const key: string = JSON.parse(token.slice(0, token.length - colon.length));
      if (objects.at(-1)?.has(key)) return `/${escapePointer(key)}`;
      objects.at(-1)?.add(key);
    }
  }
  return '';
}
