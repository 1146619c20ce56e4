/** A value of a JSON document whose numbers are texts. */
export type JsonTexts =
  | string
  | boolean
  | null
  | readonly JsonTexts[]
  | { readonly [name: string]: JsonTexts };

/** Strings, which are passed over, and numbers. */
const tokenPattern = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/g;

/**
 * Reads JSON with every number as its own text, digit for digit: a rate never passes through a binary fraction.
 *
 * @throws SyntaxError when the text is not JSON
 */
export function parseJsonTexts(text: string): JsonTexts {
  // Put between quotes, what is no number of JSON would go through.
  JSON.parse(text);
  return JSON.parse(text.replaceAll(tokenPattern, (token) => (token.startsWith('"') ? token : `"${token}"`)));
}

/**
 * Finds a text by its JSON pointer (RFC 6901).
 *
 * @returns undefined when there is nothing there, or something that is neither a string nor a number
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
