import { hostileTexts, hostileValues } from './hostile.ts';
import { isOfTreasury, type Operation, type ReadDocument, type Schema } from './operations.ts';
import type { FuzzRequest } from './requests.ts';
import { markId } from './values.ts';

/**
 * For every operation the document's own example, and after it the same with one hostile value in one place: in each
 * parameter and in each field of the body, one after the other.
 */
export function everyHostileRequest({
  operations,
  schemas,
}: ReadDocument): (readonly [FuzzRequest, ...FuzzRequest[]])[] {
  return operations.map((operation) => {
    const good = goodRequest(operation);
    return [good, ...hostileParams(good), ...hostileQueries(good), ...hostileBodies(good, schemas)];
  });
}

function goodRequest(operation: Operation): FuzzRequest {
  const names = [...operation.path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
  const required = operation.query.filter((parameter) => parameter.required);
  return {
    operation,
    params: Object.fromEntries(names.map((name) => [name, markId(name, 0)])),
    query: required.map(({ example, name }) => [name, example]),
    body: operation.example === undefined ? undefined : { json: exampleWithIds(operation.example) },
    headers: {},
    credential: isOfTreasury(operation.path) ? 'live' : 'test',
  };
}

/** An example of the document with the ids of the latest things. */
function exampleWithIds(example: unknown): unknown {
  if (!isRecord(example)) return example;
  const entries = Object.entries(example).map(([name, value]) => [
    name,
    /[a-z]Id$/.test(name) ? markId(name, 0) : exampleWithIds(value),
  ]);
  return Object.fromEntries(entries);
}

function hostileParams(good: FuzzRequest): FuzzRequest[] {
  const texts = hostileTexts.filter((text) => text !== '');
  return Object.keys(good.params).flatMap((name) =>
    texts.map((text) => ({ ...good, params: { ...good.params, [name]: text } })),
  );
}

function hostileQueries(good: FuzzRequest): FuzzRequest[] {
  return good.operation.query.flatMap(({ name }) => {
    const others = good.query.filter(([other]) => other !== name);
    return hostileTexts.map((text): FuzzRequest => ({ ...good, query: [...others, [name, text]] }));
  });
}

function hostileBodies(good: FuzzRequest, schemas: ReadDocument['schemas']): FuzzRequest[] {
  const { body, example } = good.operation;
  if (!body) return [];
  const base = exampleWithIds(example ?? {});
  return fieldPaths(body, schemas).flatMap((path) =>
    hostileValues.map((value) => ({ ...good, body: { json: withField(base, path, value) } })),
  );
}

/** Where a body has fields, those of objects in it included; the body itself is the empty path. */
function fieldPaths(given: Schema, schemas: ReadDocument['schemas'], depth = 0): string[][] {
  const schema = given.$ref === undefined ? given : (schemas[given.$ref.split('/').at(-1) ?? ''] ?? {});
  if (depth > 3) return [[]];
  const inner = Object.entries(schema.properties ?? {}).flatMap(([name, property]) =>
    fieldPaths(property, schemas, depth + 1).map((path) => [name, ...path]),
  );
  return [[], ...inner];
}

function withField(base: unknown, [name, ...rest]: readonly string[], value: unknown): unknown {
  if (name === undefined) return value;
  const object = isRecord(base) ? base : {};
  return { ...object, [name]: withField(object[name], rest, value) };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
