import { limits } from '../platform/limits.ts';

/** The keywords of a request schema that bound its size. */
export interface SizedSchema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly format?: string;
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly maxProperties?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: SizedSchema;
  readonly properties?: Readonly<Record<string, SizedSchema>>;
  readonly propertyNames?: SizedSchema;
  readonly additionalProperties?: boolean | SizedSchema;
}

/** Keywords that contain schemas. Request bodies must not use them, so that their size can be computed. */
const combiners = ['anyOf', 'oneOf', 'allOf', 'not', 'if', 'patternProperties', 'prefixItems', '$ref'];

/**
 * Gives every text of a body's schema a bound, by default `limits.shortTextLength`.
 *
 * @throws Error if an array or an open object has no bound, or a keyword is not supported
 */
export function bounded(schema: SizedSchema): SizedSchema {
  const combiner = combiners.find((keyword) => Object.hasOwn(schema, keyword));
  if (combiner !== undefined) throw new Error(`The schema of a request body must not use ${combiner}.`);
  const copy: Record<string, unknown> = { ...schema };
  if (may(schema, 'string') && !schema.enum) copy.maxLength ??= limits.shortTextLength;
  if (may(schema, 'array')) {
    if (schema.maxItems === undefined || !schema.items) throw unbounded('array', 'maxItems and items');
    copy.items = bounded(schema.items);
  }
  if (may(schema, 'object')) {
    const { additionalProperties: others, properties } = schema;
    if (others !== false && schema.maxProperties === undefined)
      throw unbounded('open object', 'maxProperties');
    if (typeof others === 'object') copy.additionalProperties = bounded(others);
    const named = Object.entries(properties ?? {}).map(([name, inner]) => [name, bounded(inner)]);
    if (properties) copy.properties = Object.fromEntries(named);
  }
  return copy;
}

function unbounded(what: string, needs: string): Error {
  return new Error(`An ${what} in the schema of a request body must have ${needs}.`);
}

function may({ type }: SizedSchema, wanted: string): boolean {
  return type === wanted || (Array.isArray(type) && type.includes(wanted));
}

/** The bytes of a character that is written as two escapes: `\ud83d\ude00`. */
const escapedBytes = 12;
/** The most bytes of a number, `true` or `null`, and of a separator with an indented line. */
const otherBytes = limits.numberLength;

/**
 * The longest body that matches a schema, with every character escaped and every value on its own line.
 *
 * @param schema closed, and `bounded`
 * @returns bytes; undefined if an object in it may contain anything
 */
export function longestBytes(schema: SizedSchema): number | undefined {
  const kinds: number[] = [otherBytes];
  if (schema.enum) kinds.push(...schema.enum.map((word) => String(word).length * escapedBytes));
  else if (may(schema, 'string')) kinds.push((schema.maxLength as number) * escapedBytes);
  if (may(schema, 'array')) {
    const item = longestBytes(schema.items as SizedSchema);
    if (item === undefined) return undefined;
    kinds.push((schema.maxItems as number) * (item + otherBytes));
  }
  if (may(schema, 'object')) {
    const members = longestMembers(schema);
    if (members === undefined) return undefined;
    kinds.push(members);
  }
  return Math.max(...kinds) + otherBytes;
}

function longestMembers(schema: SizedSchema): number | undefined {
  const named = Object.entries(schema.properties ?? {}).map(([name, inner]) => {
    const value = longestBytes(inner);
    return value === undefined ? undefined : name.length * escapedBytes + value + otherBytes;
  });
  if (schema.additionalProperties !== false) {
    const { additionalProperties: others, maxProperties = 0, propertyNames } = schema;
    const value = typeof others === 'object' ? longestBytes(others) : undefined;
    if (value === undefined || propertyNames?.maxLength === undefined) return undefined;
    named.push(maxProperties * (propertyNames.maxLength * escapedBytes + value + otherBytes));
  }
  return named.includes(undefined) ? undefined : named.reduce<number>((sum, bytes) => sum + (bytes ?? 0), 0);
}
