import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limits } from '../platform/limits.ts';
import { bounded, longestBytes, type SizedSchema } from './bounds.ts';
import { bodySchema, compileBodyValidator } from './validate.ts';

interface Operation {
  readonly operationId: string;
  readonly requestBody?: {
    readonly description?: string;
    readonly content: { readonly 'application/json': { readonly schema: SizedSchema } };
  };
}

const document = JSON.parse(readFileSync(new URL('../../../openapi.json', import.meta.url), 'utf8'));
const operations = (Object.values(document.paths) as Record<string, Operation>[])
  .flatMap((methods) => Object.values(methods))
  .filter(({ requestBody }) => requestBody)
  .map((operation) => ({
    ...operation,
    schema: operation.requestBody?.content['application/json'].schema as SizedSchema,
  }));

/** Everything in a schema that a client can make as large as it likes. */
function unbounded(schema: SizedSchema, path = ''): string[] {
  const types = [schema.type ?? []].flat();
  const { additionalProperties: others, items, properties = {} } = schema;
  const missing = [
    ...(types.length === 0 ? [`${path}: type`] : []),
    ...(types.includes('string') && !schema.enum && schema.maxLength === undefined
      ? [`${path}: maxLength`]
      : []),
    ...(types.includes('array') && schema.maxItems === undefined ? [`${path}: maxItems`] : []),
    ...(types.includes('object') && others !== false && schema.maxProperties === undefined
      ? [`${path}: maxProperties`]
      : []),
  ];
  const inner = Object.entries({
    ...properties,
    ...(items && { items }),
    ...(typeof others === 'object' && { others }),
  });
  return [...missing, ...inner.flatMap(([name, one]) => unbounded(one, `${path}/${name}`))];
}

describe('the body of every operation', () => {
  it.each(operations)('has a bound everywhere: $operationId', ({ schema }) => {
    expect(unbounded(bodySchema(schema))).toEqual([]);
  });

  it('is no longer than a body may be', () => {
    expect(operations.length).toBeGreaterThan(10);
    for (const { requestBody } of operations) {
      const said = /^At most (\d+) KiB$/.exec(requestBody?.description ?? 'At most 64 KiB')?.[1];
      expect(Number(said) * 1024).toBeGreaterThanOrEqual(limits.bodyBytes);
      expect(Number(said) * 1024).toBeLessThanOrEqual(limits.largestBodyBytes);
    }
  });
});

describe('a schema', () => {
  it.each<[string, object]>([
    ['a list without maxItems', { type: 'array', items: { type: 'string' } }],
    ['a list of anything', { type: 'array', maxItems: 5 }],
    ['an open object', { type: 'object', additionalProperties: true }],
    ['an open object of texts', { type: 'object', additionalProperties: { type: 'string' } }],
    ['a list in a list', { type: 'array', maxItems: 2, items: { type: 'array', items: { type: 'null' } } }],
    ['a choice', { anyOf: [{ type: 'string' }, { type: 'array', items: {} }] }],
  ])('is not taken with %s', (_name, schema) => {
    expect(() => bounded(schema)).toThrow(/must/);
  });

  it('is as long as what fits it can be, however it is written', () => {
    const schema = bodySchema({
      type: 'object',
      properties: {
        name: { type: 'string', maxLength: 10 },
        list: { type: 'array', maxItems: 3, items: { type: 'string', maxLength: 4 } },
        metadata: {
          type: 'object',
          maxProperties: 2,
          propertyNames: { type: 'string', maxLength: 3 },
          additionalProperties: { type: 'string', maxLength: 5 },
        },
      },
    });
    const text = (maxLength: number) => fc.string({ unit: 'binary', maxLength });
    const value = fc.record({
      name: text(10),
      list: fc.array(text(4), { maxLength: 3 }),
      metadata: fc.dictionary(text(3), text(5), { maxKeys: 2 }),
    });
    const escaped = (json: string) =>
      [...json].reduce((sum, one) => sum + (one > '~' ? 6 * one.length : 1), 0);
    fc.assert(
      fc.property(value, (given) => {
        expect(escaped(JSON.stringify(given, null, 4))).toBeLessThanOrEqual(longestBytes(schema) ?? 0);
      }),
    );
  });
});

describe('faults of a body that is too large', () => {
  const validate = compileBodyValidator({
    type: 'object',
    required: ['name'],
    properties: {
      name: { type: 'string', maxLength: 5 },
      list: { type: 'array', maxItems: 3, items: { type: 'string', format: 'email', maxLength: 20 } },
      open: { type: 'object', maxProperties: 2, additionalProperties: true },
    },
  });
  const faultsOf = (body: unknown): string[] => {
    try {
      validate(body);
      return [];
    } catch (error) {
      const { refusal } = error as { refusal: { details: { path: string; message: string }[] } };
      return refusal.details.map(({ path, message }) => `${path} ${message}`);
    }
  };

  it('name what is too large and nothing in it, and what else is wrong', () => {
    expect(faultsOf({ list: ['a', 'b', 'c', 'd'], open: { a: 1, b: 2, c: 3 } })).toEqual([
      '/list It must have at most 3 items.',
      '/open It must have at most 2 properties.',
      '/name This field is required.',
    ]);
    expect(faultsOf({ name: 'toolong', list: ['x'.repeat(21), 'no'] })).toEqual([
      '/name It must have at most 5 characters.',
      '/list/0 It must have at most 20 characters.',
      '/list/1 It must be a valid email.',
    ]);
  });

  it('count characters, not halves of them', () => {
    expect(faultsOf({ name: '😀😀😀😀😀' })).toEqual([]);
    expect(faultsOf({ name: '😀😀😀😀😀😀' })).toHaveLength(1);
  });

  it('are 50 at most, whatever was sent', () => {
    const many = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`field${index}`, index]));
    expect(faultsOf(many)).toHaveLength(limits.errorDetails);
  });
});
