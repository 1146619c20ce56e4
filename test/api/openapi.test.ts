import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type TestServer } from '../support/server.ts';

// Documents are read as they come: their fields are what is tested.
// biome-ignore lint/suspicious/noExplicitAny: see above
type Document = any;

const readJson = (path: string): Document => JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));

const original = readJson('../support/fixtures/create-a-wallet.json');
let server: TestServer;
let served: Document;
beforeAll(async () => {
  server = await startServer();
  served = await (await fetch(`${server.app.url}/openapi.json`)).json();
});
afterAll(() => server.stop());

describe('the served document and the original page', () => {
  it.each(['tags', 'summary', 'description', 'operationId', 'requestBody', 'responses'])(
    'agree on the %s of POST /v1/crypto-wallets',
    (field) => {
      const operation = (document: Document) => document.paths['/v1/crypto-wallets'].post;
      expect(operation(original)).toHaveProperty(field);
      expect(operation(served)[field]).toStrictEqual(operation(original)[field]);
    },
  );

  it.each([
    ['schemas', 'WalletEnvelope'],
    ['schemas', 'Wallet'],
    ['schemas', 'Error'],
    ['responses', 'InvalidRequest'],
    ['responses', 'Unauthorized'],
    ['responses', 'Conflict'],
    ['responses', 'RateLimited'],
    ['responses', 'InternalError'],
    ['securitySchemes', 'BearerAuth'],
    ['securitySchemes', 'ApiKeyAuth'],
  ])('agree on components.%s.%s', (kind, name) => {
    expect(original.components[kind]).toHaveProperty(name);
    expect(served.components[kind][name]).toStrictEqual(original.components[kind][name]);
  });

  it('agree on every component of the original: none was left out above', () => {
    for (const [kind, components] of Object.entries<object>(original.components)) {
      expect(served.components[kind]).toMatchObject(components);
    }
  });

  it('agree on version, title and security', () => {
    expect(served.openapi).toBe(original.openapi);
    expect(served.info).toMatchObject({ title: original.info.title, version: original.info.version });
    expect(served.security).toStrictEqual(original.security);
  });

  it('agree on the tags and their order, as far as there is something under them; ours come after', () => {
    const names = (tags: { name: string }[]) => tags.map(({ name }) => name);
    const theirs = names(original.tags);
    const shown = names(served.tags);
    const kept = theirs.filter((name) => shown.includes(name));
    expect(shown.slice(0, kept.length)).toEqual(kept);
    expect(shown).toContain('Crypto Wallets');
    for (const tag of original.tags) {
      if (kept.includes(tag.name)) expect(served.tags).toContainEqual(tag);
    }
  });
});

describe('the served document', () => {
  const operations = (): [string, Document][] =>
    Object.entries<Document>(served.paths).flatMap(([path, methods]) =>
      Object.entries<Document>(methods).map(([method, operation]): [string, Document] => [
        `${method} ${path}`,
        operation,
      ]),
    );

  it('says of every operation its id, what it does, and under which tag it is', () => {
    expect(operations().length).toBeGreaterThan(20);
    const tags = served.tags.map(({ name }: { name: string }) => name);
    for (const [name, { description, operationId, summary, tags: own }] of operations()) {
      expect(operationId, name).toMatch(/^[a-z][A-Za-z]+$/);
      expect(summary, name).toMatch(/^[A-Z].{4,}[^.]$/);
      expect(description, name).toMatch(/^[A-Z`].{10,}\.$/s);
      expect(tags, name).toEqual(expect.arrayContaining(own));
      expect(own, name).toHaveLength(1);
    }
    const ids = operations().map(([, { operationId }]) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('describes every parameter in a path', () => {
    for (const [name, { parameters = [] }] of operations()) {
      const inPath = [...name.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
      const described = parameters.filter((parameter: Document) => parameter.in === 'path');
      expect(described.map((parameter: Document) => parameter.name)).toEqual(inPath);
      for (const parameter of described) expect(parameter.description).toMatch(/\w/);
    }
  });

  it('refers to nothing that it does not hold', () => {
    const references = [...JSON.stringify(served).matchAll(/"\$ref":"([^"]+)"/g)].map(
      (match) => match[1] ?? '',
    );
    expect(references.length).toBeGreaterThan(50);
    for (const reference of new Set(references)) {
      const target = reference
        .slice(2)
        .split('/')
        .reduce((node: Document, key) => node?.[key], served);
      expect(target, reference).toBeDefined();
    }
  });

  it('names the server that serves it, and is JSON in UTF-8', async () => {
    expect(served.servers[0].url).toBe(server.app.url);
    const answer = await fetch(`${server.app.url}/openapi.json`);
    expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8');
  });

  it('is the committed openapi.json, but for where the server is: else run npm run openapi', () => {
    const committed = readJson('../../openapi.json');
    expect(committed.servers[0].url).toBe('http://localhost:4000');
    committed.servers[0].url = served.servers[0].url;
    expect(committed).toStrictEqual(served);
  });
});
