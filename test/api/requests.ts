import fc from 'fast-check';
import { hostileText, hostileValue } from './hostile.ts';
import { isOfTreasury, type Operation, type ReadDocument } from './operations.ts';
import { createValues, knownId, type Values } from './values.ts';

/** A request to be sent, its ids still marked. */
export interface FuzzRequest {
  readonly operation: Operation;
  /** What is put into the path, by the parameters' names. */
  readonly params: Readonly<Record<string, unknown>>;
  readonly query: readonly (readonly [string, unknown])[];
  readonly body: { readonly json: unknown } | { readonly raw: Buffer } | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly credential: Credential;
}

/** Whose key a request is sent with. */
export type Credential = (typeof credentials)[number];

const credentials = ['test', 'live', 'none', 'wrong', 'other header', 'both', 'basic'] as const;

/** Makes requests for every operation of the document. */
export function anyRequest(document: ReadDocument): fc.Arbitrary<FuzzRequest> {
  const values = createValues(document);
  return fc.oneof(...document.operations.map((operation) => requestOf(operation, values)));
}

/** Makes one request for each operation. */
export function oneRequestEach(document: ReadDocument, seed: number): FuzzRequest[] {
  const values = createValues(document);
  return document.operations.flatMap((operation) =>
    fc.sample(requestOf(operation, values), { seed, numRuns: 1 }),
  );
}

/** Makes requests for one operation. */
export function requestOf(operation: Operation, values: Values): fc.Arbitrary<FuzzRequest> {
  const names = [...operation.path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
  const ofTreasury = isOfTreasury(operation.path);
  return fc.record({
    // A counterexample names the operation, not its schemas.
    operation: fc.constant(Object.assign(operation, { [fc.toStringMethod]: () => operation.id })),
    params: fc.record(Object.fromEntries(names.map((name) => [name, pathValue(name)]))),
    query: anyQuery(operation, values),
    body: anyBody(operation, values),
    headers: anyHeaders,
    credential: fc.oneof(
      { weight: 30, arbitrary: fc.constant<Credential>(ofTreasury ? 'live' : 'test') },
      { weight: 2, arbitrary: fc.constant<Credential>(ofTreasury ? 'test' : 'live') },
      { weight: 1, arbitrary: fc.constantFrom<Credential>(...credentials) },
    ),
  });
}

function pathValue(name: string): fc.Arbitrary<unknown> {
  return fc.oneof(
    { weight: 12, arbitrary: knownId(name) },
    { weight: 1, arbitrary: knownId('') },
    { weight: 1, arbitrary: hostileText.filter((text) => text !== '') },
  );
}

function anyQuery({ query }: Operation, values: Values): FuzzQuery {
  const known = query.map(({ name, required, schema }) => {
    const most = required === true ? 19 : 6;
    const present = fc.integer({ min: 1, max: 20 }).map((drawn) => drawn <= most);
    return fc.tuple(fc.constant(name), values.value(schema ?? {}, name), present);
  });
  const stray = fc.tuple(
    fc.oneof(hostileText, fc.constantFrom('limit', 'cursor', ...query.map(({ name }) => name))),
    fc.oneof(hostileText, fc.constant('1')),
    fc.integer({ min: 1, max: 20 }).map((drawn) => drawn === 1),
  );
  return fc
    .tuple(...known, stray)
    .map((drawn) =>
      drawn.filter(([, , present]) => present).map(([name, value]): [string, unknown] => [name, value]),
    );
}

type FuzzQuery = fc.Arbitrary<(readonly [string, unknown])[]>;

function anyBody({ body, example, method }: Operation, values: Values): fc.Arbitrary<FuzzRequest['body']> {
  if (method === 'GET') return fc.constant(undefined);
  const json = (arbitrary: fc.Arbitrary<unknown>) => arbitrary.map((value) => ({ json: value }));
  const schema = body ?? { type: 'object', properties: {} };
  const named = Object.entries(values.resolve(schema).properties ?? {});
  const shown = example === undefined ? undefined : exampleWithIds(example);
  /** The document's own example, with a field or two changed: what comes close gets furthest. */
  const changed = fc
    .tuple(
      ...named.map(([name, property]) =>
        fc.tuple(fc.constant(name), fc.integer({ min: 0, max: 6 }), values.value(property, name)),
      ),
    )
    .map((drawn) =>
      Object.fromEntries(drawn.filter(([, lot]) => lot === 0).map(([name, , value]) => [name, value])),
    );
  return fc.oneof(
    { weight: 8, arbitrary: json(values.object(schema)) },
    ...(shown
      ? [
          { weight: 4, arbitrary: json(shown) },
          {
            weight: 8,
            arbitrary: json(
              fc.tuple(shown, changed).map(([base, more]) => ({ ...(base as object), ...more })),
            ),
          },
        ]
      : []),
    { weight: 1, arbitrary: json(hostileValue) },
    { weight: 1, arbitrary: brokenBody.map((raw) => ({ raw })) },
    { weight: 1, arbitrary: fc.constant(undefined) },
  );
}

/** An example of the document with ids that the server has made. */
function exampleWithIds(example: unknown): fc.Arbitrary<unknown> {
  if (typeof example !== 'object' || example === null || Array.isArray(example)) return fc.constant(example);
  return fc.record(
    Object.fromEntries(
      Object.entries(example).map(([name, value]) => [
        name,
        /[a-z]Id$/.test(name) ? knownId(name) : exampleWithIds(value),
      ]),
    ),
  );
}

/** Bodies that are no JSON, or no JSON that a server should take. */
const brokenBody = fc.oneof(
  fc
    .constantFrom(
      '',
      '{',
      '{"a":1,"a":2}',
      '{"__proto__":{"x":1}}',
      '{"constructor":{"prototype":{}}}',
      '\uFEFF{}',
      '{}}',
      '{"a":01}',
      "{'a':1}",
      '[1,]',
      'NaN',
      '"\\ud800"',
      '{"amount":1e400}',
      '{"amount":-0}',
      '{"amount":0.1000000000000000055511151231257827}',
      '['.repeat(5000),
      `${'{"a":'.repeat(40)}1${'}'.repeat(40)}`,
      `{"a":"${'x'.repeat(200_000)}"}`,
    )
    .map((body) => Buffer.from(body)),
  fc.constantFrom('ff', 'c0af', 'eda080', '7b2261223a22ff227d').map((hex) => Buffer.from(hex, 'hex')),
  fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
);

/** Node refuses to send what is no header at all; all else goes. */
const headerText = hostileText.map((text) => text.replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, '?').slice(0, 4000));

function rarely(weight: number, arbitrary: fc.Arbitrary<string>): fc.Arbitrary<string | undefined> {
  return fc.oneof({ weight, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });
}

const anyHeaders = fc
  .record({
    'idempotency-key': rarely(
      4,
      fc.oneof(
        { weight: 4, arbitrary: fc.nat(200).map((number) => `key-${number}`) },
        { weight: 1, arbitrary: headerText },
      ),
    ),
    'content-type': rarely(
      20,
      fc.oneof(
        headerText,
        fc.constantFrom(
          'application/json; charset=utf-8',
          'application/json;charset=latin1',
          'text/plain',
          'application/x-www-form-urlencoded',
          'multipart/form-data',
        ),
      ),
    ),
    'content-encoding': rarely(60, fc.constantFrom('gzip', 'br', 'identity', 'x')),
    'x-request-id': rarely(20, headerText),
    accept: rarely(20, fc.oneof(headerText, fc.constant('text/html'))),
    'x-http-method-override': rarely(60, fc.constant('DELETE')),
  })
  .map((drawn) =>
    Object.fromEntries(
      Object.entries(drawn).filter((entry): entry is [string, string] => entry[1] !== undefined),
    ),
  );
