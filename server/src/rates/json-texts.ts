/** A value of a JSON document whose numbers are strings. */
export type JsonTexts =
  | string
  | boolean
  | null
  | readonly JsonTexts[]
  | { readonly [name: string]: JsonTexts };

/** Matches strings, which stay as they are, and numbers. */
const tokenPattern = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/g;

/**
 * Parses JSON with every number as a string, digit for digit, so that a rate never becomes a binary fraction.
 *
 * @throws SyntaxError if the text is not JSON
 */
export function parseJsonTexts(text: string): JsonTexts {
  // Checked first, because a malformed number would be valid between quotes.
  JSON.parse(text);
  return JSON.parse(text.replaceAll(tokenPattern, (token) => (token.startsWith('"') ? token : `"${token}"`)));
}

/**
 * Finds a text by its JSON pointer (RFC 6901).
 *
 * @returns undefined if the value is missing, or neither a string nor a number
 */
export function textAt(document: JsonTexts, pointer: string): string | undefined {
  let at: unknown = document;
  for (const step of pointer.split('/').slice(1)) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return undefined;
    at = (at as Record<string, unknown>)[name];
  }
  return typeof at === 'string' ? at : undefined;
}
