import fc from 'fast-check';
import { hostileText, hostileValue } from './hostile.ts';
import type { ReadDocument, Schema } from './operations.ts';

/** Values for the document's schemas: mostly such as fit, some at the edges, some hostile. */

/** Stands in a value for an id that is known when the request is sent. */
export interface IdMark {
  readonly [idMark]: string;
  readonly number: number;
}

const idMark = '\uE000id';

/** Puts ids in where they are marked. */
export function withIds(value: unknown, pick: (name: string, number: number) => string | undefined): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => withIds(item, pick));
  if (Object.hasOwn(value, idMark)) {
    const { [idMark]: name, number } = value as IdMark;
    return pick(name, number) ?? 'none_yet';
  }
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, withIds(inner, pick)]));
}

/** An id of that name which the server has made. */
export function knownId(name: string): fc.Arbitrary<unknown> {
  return fc.nat(1000).map((number) => markId(name, number));
}

/** A mark for an id: that of the latest thing for the number 0. */
export function markId(name: string, number: number): IdMark {
  return { [idMark]: name, number };
}

/** Makes values for schemas; where an example of the document has a field of that name, often its value. */
export function createValues({ operations, schemas }: Pick<ReadDocument, 'operations' | 'schemas'>) {
  const samples = collectSamples(operations.flatMap(({ example, example200 }) => [example, example200]));

  const resolve = (schema: Schema): Schema => {
    const name = schema.$ref?.split('/').at(-1);
    return name === undefined ? schema : (schemas[name] ?? {});
  };

  /** Mostly what fits the schema. */
  const value = (schema: Schema, name: string, depth = 0): fc.Arbitrary<unknown> =>
    fc.oneof({ weight: 11, arbitrary: fitting(schema, name, depth) }, { weight: 1, arbitrary: hostileValue });

  const fitting = (given: Schema, name: string, depth: number): fc.Arbitrary<unknown> => {
    const schema = resolve(given);
    if (depth > 6) return fc.constant(null);
    if (schema.const !== undefined) return fc.constant(schema.const);
    if (schema.enum) return fc.constantFrom(...schema.enum);
    const variants = [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])];
    if (variants.length > 0) return fc.oneof(...variants.map((one) => fitting(one, name, depth + 1)));
    const types = [schema.type ?? []].flat();
    if (types.length === 0 && !schema.properties) return fc.jsonValue();
    const made = fc.oneof(
      ...(types.length > 0 ? types : ['object']).map((type) => ofType(type, schema, name, depth)),
    );
    const sampled = samples.get(name);
    return sampled && !/[a-z]Id$/.test(name)
      ? fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...sampled) }, { weight: 2, arbitrary: made })
      : made;
  };

  const ofType = (type: string, schema: Schema, name: string, depth: number): fc.Arbitrary<unknown> => {
    if (type === 'null') return fc.constant(null);
    if (type === 'boolean') return fc.boolean();
    if (type === 'integer' || type === 'number') return number(schema, type === 'integer');
    if (type === 'array')
      return fc.array(value(schema.items ?? {}, name.replace(/s$/, ''), depth + 1), { maxLength: 4 });
    return type === 'object' ? object(schema, depth) : text(schema, name);
  };

  /** Every required field, most times; some of the others; now and then one that does not exist. */
  const object = (schema: Schema, depth = 0): fc.Arbitrary<Record<string, unknown>> => {
    const fields = Object.entries(schema.properties ?? {}).map(([name, property]) => {
      const isRequired = schema.required?.includes(name) === true;
      const present = fc.integer({ min: 1, max: 20 }).map((drawn) => drawn <= (isRequired ? 19 : 5));
      return fc.tuple(fc.constant(name), present, value(property, name, depth + 1));
    });
    const more =
      typeof schema.additionalProperties === 'object'
        ? fc.dictionary(fc.string({ maxLength: 50 }), value(schema.additionalProperties, '', depth + 1), {
            maxKeys: 4,
          })
        : fc.oneof(
            { weight: 30, arbitrary: fc.constant({}) },
            { weight: 1, arbitrary: fc.dictionary(hostileText, fc.jsonValue(), { maxKeys: 3 }) },
          );
    return fc.tuple(fc.tuple(...fields), more).map(([drawn, others]) => ({
      ...Object.fromEntries(drawn.filter(([, present]) => present).map(([name, , inner]) => [name, inner])),
      ...others,
    }));
  };

  return { value, object: (schema: Schema) => object(resolve(schema)), resolve };
}

export type Values = ReturnType<typeof createValues>;

function number({ maximum, minimum }: Schema, isWhole: boolean): fc.Arbitrary<unknown> {
  const [min, max] = [minimum ?? -1_000_000, maximum ?? 1_000_000];
  const edges = fc.constantFrom(min, max, min - 1, max + 1, 0, 1);
  return fc.oneof(isWhole ? fc.integer({ min, max }) : fc.double({ min, max, noNaN: true }), edges);
}

function text(schema: Schema, name: string): fc.Arbitrary<unknown> {
  const { format, maxLength, minLength = 0, pattern } = schema;
  if (/[a-z]Id$/.test(name))
    return fc.oneof({ weight: 12, arbitrary: knownId(name) }, { weight: 1, arbitrary: knownId('') });
  const plain = fc.string({ minLength, maxLength: Math.min(maxLength ?? 40, minLength + 40) });
  const edges = [minLength, minLength - 1, maxLength ?? 0, (maxLength ?? 0) + 1].filter(
    (length) => length >= 0 && length < 5000,
  );
  const choices: fc.WeightedArbitrary<unknown>[] = [
    { weight: 3, arbitrary: plain },
    { weight: 1, arbitrary: fc.constantFrom(...edges).map((length) => 'x'.repeat(length)) },
    {
      weight: 1,
      arbitrary: fc.constantFrom('0.01', '1', '5.00', '1.000001', '0.0000001', '99999999999', 'usd', 'USDC'),
    },
    { weight: 1, arbitrary: knownId('') },
    ...(pattern === undefined ? [] : [{ weight: 6, arbitrary: fc.stringMatching(new RegExp(pattern, 'u')) }]),
    ...(format === 'email' ? [{ weight: 6, arbitrary: fc.emailAddress() }] : []),
    ...(format === 'uri' ? [{ weight: 6, arbitrary: fc.webUrl() }] : []),
    ...(format === 'date-time'
      ? [{ weight: 6, arbitrary: fc.date({ noInvalidDate: true }).map((date) => date.toJSON()) }]
      : []),
  ];
  return fc.oneof(...choices);
}

/** What the document's examples have under each name. */
function collectSamples(examples: readonly unknown[]): ReadonlyMap<string, unknown[]> {
  const samples = new Map<string, unknown[]>();
  const walk = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [name, inner] of Object.entries(value)) {
      if (!Array.isArray(value)) samples.set(name, [...new Set([...(samples.get(name) ?? []), inner])]);
      walk(inner);
    }
  };
  for (const example of examples) walk(example);
  return samples;
}
