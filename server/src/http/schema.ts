import Type, { type TSchema, type TUnsafe } from 'typebox';

/**
 * Additions to TypeBox. Schemas are plain JSON Schema: the same objects validate requests, serialise responses and make the
 * OpenAPI document.
 */

/** A named schema: `#/components/schemas/<name>` in the OpenAPI document. */
export interface NamedSchema {
  readonly name: string;
  readonly schema: TSchema;
}

/** A text that may be `null`. */
export function nullableText(description?: string): TUnsafe<string | null> {
  return Type.Unsafe({ type: ['string', 'null'], ...(description ? { description } : {}) });
}

/** A time that may be `null`. */
export function nullableTime(description?: string): TUnsafe<string | null> {
  return Type.Unsafe({
    type: ['string', 'null'],
    format: 'date-time',
    ...(description ? { description } : {}),
  });
}

/** A time as ISO 8601 UTC with milliseconds. */
export function time(description?: string) {
  return Type.String({ format: 'date-time', ...(description ? { description } : {}) });
}

/** One of some words. */
export function oneOf<Word extends string>(words: readonly Word[], description?: string): TUnsafe<Word> {
  return Type.Unsafe({ type: 'string', enum: [...words], ...(description ? { description } : {}) });
}

/** The client's own key-value pairs of strings. */
export function metadata(limits: { pairs: number; keyLength: number; valueLength: number }) {
  return Type.Unsafe<Record<string, string>>({
    type: 'object',
    description: 'Your own key-value pairs, kept and returned as they are',
    maxProperties: limits.pairs,
    propertyNames: { type: 'string', minLength: 1, maxLength: limits.keyLength },
    additionalProperties: { type: 'string', maxLength: limits.valueLength },
  });
}

/**
 * Closes every object of a request schema, so that unknown fields are refused: a misspelt field must not be ignored
 * (contract §1). Objects with `additionalProperties` stay as they are.
 */
export function closed(schema: object): object {
  if (Array.isArray(schema)) return schema.map((item) => (isObject(item) ? closed(item) : item));
  const copy: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(schema)) copy[key] = isObject(value) ? closed(value) : value;
  if (copy.type === 'object' && copy.properties && copy.additionalProperties === undefined) {
    copy.additionalProperties = false;
  }
  return copy;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
