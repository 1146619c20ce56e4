import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startServer, type TestServer } from '../support/server.ts';

// Documents are read as they come: their fields are what is tested.
// biome-ignore lint/suspicious/noExplicitAny: see above
type Document = any;

let server: TestServer;
let served: Document;
let check: (pointer: string, value: unknown) => unknown;
beforeAll(async () => {
  server = await startServer();
  served = await (await fetch(`${server.app.url}/openapi.json`)).json();
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  formats.default(ajv);
  ajv.addSchema(served, 'openapi');
  check = (pointer, value) => {
    const validate = ajv.compile({ $ref: `openapi#${pointer}` });
    return validate(value) ? [] : validate.errors;
  };
});
afterAll(() => server.stop());

/** Where a value lies in the document, as a URI fragment. */
function pointerOf(...steps: string[]): string {
  return steps
    .map((step) => `/${encodeURIComponent(step.replaceAll('~', '~0').replaceAll('/', '~1'))}`)
    .join('');
}

/** The operations, each with its own place. */
function operations(): { name: string; at: string[]; operation: Document }[] {
  return Object.entries<Document>(served.paths).flatMap(([path, methods]) =>
    Object.entries<Document>(methods).map(([method, operation]) => ({
      name: `${method} ${path}`,
      at: ['paths', path, method],
      operation,
    })),
  );
}

const json = ['content', 'application/json'];

it('has an example of every body and every answer, valid by its schema', () => {
  for (const { at, name, operation } of operations()) {
    const beside = operation['x-examples'];
    const answer = operation.responses['200'].content['application/json'];
    const response = beside?.response ?? answer.example;
    expect(response, name).toMatchObject({ ok: true });
    expect(check(pointerOf(...at, 'responses', '200', ...json, 'schema'), response), name).toEqual([]);
    if (!operation.requestBody) continue;
    const request = beside?.request ?? operation.requestBody.content['application/json'].example;
    expect(request, name).toBeDefined();
    expect(check(pointerOf(...at, 'requestBody', ...json, 'schema'), request), name).toEqual([]);
  }
});

it('has them beside the body and the answer only where these are of the original document', () => {
  const beside = operations().filter(({ operation }) => operation['x-examples']);
  expect(beside.map(({ name }) => name)).toEqual(['post /v1/crypto-wallets']);
});

it('has an example of every parameter that must be given, valid by its schema', () => {
  let seen = 0;
  for (const { at, name, operation } of operations()) {
    for (const [index, parameter] of (operation.parameters ?? []).entries()) {
      if (!parameter.required) continue;
      seen += 1;
      const pointer = pointerOf(...at, 'parameters', String(index), 'schema');
      expect(check(pointer, parameter.example), `${name} ${parameter.name}`).toEqual([]);
      expect(parameter.example, `${name} ${parameter.name}`).not.toMatch(/^(text|id_)/);
    }
  }
  expect(seen).toBeGreaterThan(10);
});

it('has examples that look like what the server makes: no id without its prefix, no shell variable', () => {
  const texts = operations().map(({ operation }) => JSON.stringify(operation));
  expect(texts.filter((text) => /"id_0|\\ue000|\uE000/.test(text))).toEqual([]);
});
