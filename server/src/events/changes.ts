import { isDeepStrictEqual } from 'node:util';

type Json = string | number | boolean | null | readonly Json[] | JsonObject;
interface JsonObject {
  readonly [name: string]: Json;
}

/**
 * What is not told of an object. `updatedAt` changes with everything else; links are made anew at each reading, and an
 * old one must not lie around.
 */
export const untoldFields: ReadonlySet<string> = new Set(['updatedAt', 'kycLink', 'tosLink']);

/**
 * What an object had before it was changed, for an event's `previousAttributes`.
 *
 * @param before the JSON text of what the matching GET would have returned before the change
 * @param after the same after it
 * @returns the JSON text of an object with the former values of exactly those fields that have changed
 */
export function previousAttributes(before: string, after: string): string {
  const changes = Object.entries(changesBetween(JSON.parse(before), JSON.parse(after)));
  return JSON.stringify(Object.fromEntries(changes.filter(([name]) => !untoldFields.has(name))));
}

/**
 * The former values of the fields that are not what they were. Objects within objects are compared field by field and
 * have their changed fields only; lists are whole. What was not there is `null`.
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
