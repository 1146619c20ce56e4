import { limits } from '../platform/limits.ts';

/** Facts about the text of a body that `JSON.parse` loses: it keeps the last of equal keys, and rounds numbers. */
export interface JsonScan {
  /** The number of members of all objects. */
  readonly members: number;
  /** Whether JavaScript represents every number exactly. */
  readonly isExact: boolean;
  /** Why the text is refused before it is parsed; undefined if it is not. */
  readonly fault: string | undefined;
}

const quote = 0x22;
const backslash = 0x5c;

/**
 * Scans a text that should be JSON, in linear time. Stops at the first fault, because a text that is nested too deep or has
 * too long numbers is not parsed.
 */
export function scanJson(text: string): JsonScan {
  let members = 0;
  let isExact = true;
  let depth = 0;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code === quote) index = endOfText(text, index);
    else if (code === 0x3a) members += 1;
    else if (code === 0x5b || code === 0x7b) {
      depth += 1;
      if (depth > limits.jsonDepth) {
        return { members, isExact, fault: `The body is nested deeper than ${limits.jsonDepth} levels.` };
      }
    } else if (code === 0x5d || code === 0x7d) depth -= 1;
    else if (startsNumber(code)) {
      const end = endOfNumber(text, index);
      if (end - index > limits.numberLength) {
        return { members, isExact, fault: `A number must have at most ${limits.numberLength} characters.` };
      }
      isExact &&= isExactNumber(text.slice(index, end));
      index = end - 1;
    }
  }
  return { members, isExact, fault: undefined };
}

/** The index of the closing quote of a string; the length of the text if there is none. */
function endOfText(text: string, start: number): number {
  for (let index = start + 1; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code === backslash) index += 1;
    else if (code === quote) return index;
  }
  return text.length;
}

function startsNumber(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || code === 0x2d;
}

/** The index behind a number. */
function endOfNumber(text: string, start: number): number {
  let end = start + 1;
  while (end < text.length && continuesNumber(text.charCodeAt(end))) end += 1;
  return end;
}

function continuesNumber(code: number): boolean {
  return startsNumber(code) || code === 0x2b || code === 0x2e || code === 0x45 || code === 0x65;
}

/** Up to 15 digits always fit a double (IEEE 754); longer fractions are compared. Other code checks magnitudes. */
function isExactNumber(token: string): boolean {
  if (token.length <= 15 || !token.includes('.')) return true;
  const value = Number(token);
  return !Number.isFinite(value) || plainDigits(token) === plainDigits(String(value));
}

/** The digits and exponent of a number without leading and trailing zeros, so that equal numbers are equal texts. */
function plainDigits(token: string): string {
  const [mantissa = '', power = '0'] = token.replace('-', '').toLowerCase().split('e', 2);
  const [whole = '', fraction = ''] = mantissa.split('.', 2);
  const digits = whole + fraction;
  let start = 0;
  while (start < digits.length && digits[start] === '0') start += 1;
  let end = digits.length;
  while (end > start && digits[end - 1] === '0') end -= 1;
  if (start === end) return '0';
  return `${digits.slice(start, end)}e${Number(power) - fraction.length + digits.length - end}`;
}

/**
 * Finds the first duplicate key in an object of a JSON text, in one pass.
 *
 * @param text valid JSON
 * @returns undefined if there is none
 */
export function repeatedKey(text: string): string | undefined {
  const objects: Set<string>[] = [];
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code === 0x7b) objects.push(new Set());
    else if (code === 0x7d) objects.pop();
    else if (code === quote) {
      const end = endOfText(text, index);
      const next = afterSpace(text, end + 1);
      if (text.charCodeAt(next) === 0x3a) {
        const key: string = JSON.parse(text.slice(index, end + 1));
        const keys = objects.at(-1);
        if (keys?.has(key)) return key;
        keys?.add(key);
      }
      index = next - 1;
    }
  }
  return undefined;
}

function afterSpace(text: string, start: number): number {
  let index = start;
  while (index < text.length && text.charCodeAt(index) <= 0x20) index += 1;
  return index;
}
