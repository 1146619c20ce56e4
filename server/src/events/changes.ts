import { isDeepStrictEqual } from 'node:util';

type Json = string | number | boolean | null | readonly Json[] | JsonObject;
interface JsonObject {
  readonly [name: string]: Json;
}

/**
 * Fields that are left out of `previousAttributes`. `updatedAt` changes with every other field; links are made for each response,
 * and old ones must not be stored.
 */
export const omittedFields: ReadonlySet<string> = new Set(['updatedAt', 'kycLink', 'tosLink']);

/**
 * The former values of an object's changed fields, for an event's `previousAttributes`.
 *
 * @param before the JSON text of what the matching GET would have returned before the change
 * @param after the same after the change
 * @returns the JSON text of an object with the former values of exactly those fields that changed
 */
export function previousAttributes(before: string, after: string): string {
  const changes = Object.entries(changesBetween(JSON.parse(before), JSON.parse(after)));
  return JSON.stringify(Object.fromEntries(changes.filter(([name]) => !omittedFields.has(name))));
}

/**
 * The former values of the fields that changed. Nested objects are compared field by field, and contain their changed fields
 * only; lists are compared and returned as a whole. The former value of a new field is `null`.
 */
export function changesBetween(before: JsonObject, after: JsonObject): JsonObject {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  const changes = [...names].flatMap((name): [string, Json][] => {
    const former = valueAt(before, name);
    const present = valueAt(after, name);
    if (isDeepStrictEqual(former, present)) return [];
    if (!isObject(former) || !isObject(present)) return [[name, former]];
    const within = changesBetween(former, present);
    return Object.keys(within).length === 0 ? [] : [[name, within]];
  });
  return Object.fromEntries(changes);
}

function valueAt(object: JsonObject, name: string): Json {
  return Object.hasOwn(object, name) ? (object[name] as Json) : null;
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
