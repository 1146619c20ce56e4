import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PlayedEvent, playEveryEvent } from '../../scripts/event-examples/play.mjs';
import { eventTypes } from '../../server/src/events/types.ts';
import { eventSchemaName } from '../../server/src/http/event.ts';
import { assertEvent } from '../support/events.ts';
import { readGuide, tableRows } from '../support/guides.ts';
import { startServer, type TestServer } from '../support/server.ts';

// Documents are read as they come: their fields are what is tested.
// biome-ignore lint/suspicious/noExplicitAny: see above
type Document = any;

const readJson = (path: string): Document => JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));

let server: TestServer;
let served: Document;
let played: Record<string, PlayedEvent>;
beforeAll(async () => {
  server = await startServer({ sandboxStepMs: 3_600_000, publicUrl: 'https://ledger.example.com' });
  served = await (await fetch(`${server.app.url}/events.schema.json`)).json();
  played = await playEveryEvent(async (method, path, body) => {
    const text = body === undefined ? '' : JSON.stringify(body);
    const type: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
    const { data, status, text: answer } = await server.api.raw(method, path, text, type);
    expect(status, answer).toBe(200);
    return data;
  });
});
afterAll(() => server.stop());

const validator = () => {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  formats.default(ajv);
  return ajv;
};

describe('the schema of events', () => {
  it('is the committed events.schema.json: else run npm run openapi', () => {
    expect(readJson('../../events.schema.json')).toStrictEqual(served);
  });

  it('is JSON Schema of 2020-12 by its own meta-schema, and served as such', async () => {
    expect(served.$schema).toBe('https://json-schema.org/draft/2020-12/schema');
    const ajv = validator();
    expect(ajv.validateSchema(served), JSON.stringify(ajv.errors)).toBe(true);
    const answer = await fetch(`${server.app.url}/events.schema.json`);
    expect(answer.headers.get('content-type')).toBe('application/schema+json; charset=utf-8');
  });

  it('has every type, and takes an event of each of them that a server has written', () => {
    expect(served.properties.type.enum).toEqual(eventTypes);
    expect(Object.keys(played).sort()).toEqual([...eventTypes].sort());
    const validate = validator().compile(served);
    for (const type of eventTypes) {
      expect(validate(played[type]), `${type} ${JSON.stringify(validate.errors)}`).toBe(true);
      expect(() => assertEvent(played[type] as PlayedEvent)).not.toThrow();
    }
  });

  it('takes no event of another type, without its data, or of a change without what was there before', () => {
    const validate = validator().compile(served);
    for (const type of eventTypes) {
      const event = played[type] as PlayedEvent;
      expect(validate({ ...event, type: `${type}d` })).toBe(false);
      expect(validate({ ...event, createdAt: 'today' })).toBe(false);
      if (type === 'webhook.test') continue;
      expect(validate({ ...event, data: {} }), type).toBe(false);
      if (!type.endsWith('.updated')) continue;
      const { previousAttributes: _, ...without } = event;
      expect(validate(without), type).toBe(false);
      expect(validate({ ...event, previousAttributes: { status: 7 } }), type).toBe(false);
    }
  });

  it('is what the OpenAPI document has under webhooks', async () => {
    const openapi: Document = await (await fetch(`${server.app.url}/openapi.json`)).json();
    expect(Object.keys(openapi.webhooks)).toEqual(eventTypes);
    const local = (schema: object) =>
      JSON.parse(JSON.stringify(schema).replaceAll('#/components/schemas/', '#/$defs/'));
    for (const [name, schema] of Object.entries<object>(served.$defs)) {
      expect(local(openapi.components.schemas[name]), name).toEqual(schema);
    }
    for (const type of eventTypes) {
      const { schema } = openapi.webhooks[type].post.requestBody.content['application/json'];
      expect(schema.$ref).toBe(`#/components/schemas/${eventSchemaName(type)}`);
    }
  });
});

describe('the examples of events', () => {
  /** What a value is made of: the names of its fields and the kinds of their values. */
  const shapeOf = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(shapeOf);
    if (typeof value !== 'object' || value === null) return value === null ? 'null' : typeof value;
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, shapeOf(member)]));
  };
  const kept = readJson('../../server/data/event-examples.json');

  it('are like what a server writes now: else run npm run events:examples', () => {
    for (const type of eventTypes) expect(shapeOf(kept[type]), type).toEqual(shapeOf(played[type]));
  });

  it('are valid, and in the OpenAPI document, each with when it is sent', async () => {
    const { webhooks } = (await (await fetch(`${server.app.url}/openapi.json`)).json()) as {
      webhooks: Record<string, { post: { description: string; requestBody: { content: unknown } } }>;
    };
    const guide = tableRows(readGuide('events'), 'Event types').map(([type]) => type?.replaceAll('`', ''));
    expect(guide).toEqual(eventTypes);
    for (const type of eventTypes) {
      expect(() => assertEvent(kept[type])).not.toThrow();
      const post = webhooks[type]?.post;
      expect(post?.description).toMatch(/^[A-Z].{20,}/);
      expect(post?.requestBody.content).toMatchObject({
        'application/json': { example: { id: kept[type].id } },
      });
    }
  });
});
