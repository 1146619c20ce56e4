import { createHash } from 'node:crypto';
import Type from 'typebox';
import { describe, expect, it } from 'vitest';
import { renderDocs } from '../docs.ts';
import { buildOpenApi } from '../openapi/document.ts';
import { type Route, writeRoute } from '../route.ts';
import { reasons } from './reasons.ts';

const publicUrl = 'http://127.0.0.1:4000';
const Thing = Type.Object({
  id: Type.String(),
  label: Type.Optional(Type.String({ description: 'What it is called' })),
  parts: Type.Array(Type.Object({ size: Type.Integer({ minimum: 1, maximum: 9 }) })),
});
const data = { name: 'Thing', schema: Thing };
const shared = { description: 'Does `something`.', access: 'key', okDescription: 'Done', data } as const;

const routes: Route[] = [
  {
    ...shared,
    method: 'GET',
    path: '/v1/things',
    operationId: 'listThings',
    tag: 'Rates',
    summary: 'List things',
    list: true,
    query: Type.Object({ colour: Type.Optional(Type.String({ description: 'Only of this colour' })) }),
    read: async () => ({ items: [], nextCursor: null }),
  },
  {
    ...shared,
    method: 'GET',
    path: '/v1/things/{thingId}',
    operationId: 'getThing',
    tag: 'Rates',
    summary: 'Get a thing',
    params: { thingId: 'The thing ID' },
    errors: ['NOT_FOUND'],
    read: async () => '{}',
  },
  {
    ...shared,
    method: 'GET',
    path: '/v1/health',
    operationId: 'getHealth',
    tag: 'Health',
    summary: 'Check health',
    access: 'public',
    data: { name: 'Health', schema: Type.Object({ status: Type.String() }) },
    read: async () => '{}',
  },
  writeRoute<unknown>({
    ...shared,
    method: 'PATCH',
    path: '/v1/things/{thingId}',
    operationId: 'updateThing',
    tag: 'Rates',
    summary: 'Change a thing',
    params: { thingId: 'The thing ID' },
    body: Type.Object({
      customerId: Type.String({ minLength: 1, maxLength: 255 }),
      colour: Type.Unsafe<string>({ type: 'string', enum: ['red', 'green'] }),
      owner: Type.Optional(Type.Object({ email: Type.String({ format: 'email' }) })),
    }),
    write: () => Promise.reject(new Error('not called')),
  }),
];

const { contentSecurityPolicy, html } = renderDocs(buildOpenApi(routes, publicUrl), publicUrl);

describe('the page', () => {
  it.each(routes)('shows the operation $operationId', ({ method, operationId, path, summary }) => {
    const article = html.split(`id="${operationId}"`)[1]?.split('</article>')[0] ?? '';
    expect(article).toContain(`<h3>${summary}</h3>`);
    expect(article).toContain(`>${method}</span> <code>${path}</code>`);
    expect(article).toContain('Does <code>something</code>.');
    expect(html).toContain(`href="#${operationId}"`);
  });

  it('shows parameters, nested fields, limits and statuses', () => {
    const article = html.split('id="updateThing"')[1]?.split('</article>')[0] ?? '';
    expect(article).toContain('The thing ID');
    expect(article).toContain('<span>owner.</span>email');
    expect(article).toContain('1 to 255 characters');
    expect(article).toContain('One of <code>red</code>, <code>green</code>');
    expect(article).toContain('<code>401</code> Missing or invalid API key');
    expect(html).toContain('<span>parts[].</span>size');
    expect(html).toContain('Only of this colour');
  });

  it('shows an object that several operations answer with once, and links to it', () => {
    expect(html.match(/id="object-Thing"/g)).toHaveLength(1);
    expect(html.match(/href="#object-Thing"/g)).toHaveLength(3);
    expect(html).toContain('Fields of <code>data</code>');
  });

  it('has every reason’s anchor', () => {
    for (const { reason } of reasons) expect(html.split(`id="error-${reason}"`)).toHaveLength(2);
  });

  it('has every anchor once, and each one that it points to', () => {
    const ids = [...html.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [, target] of html.matchAll(/ href="#([^"]*)"/g)) expect(ids).toContain(target);
  });

  it('is small', () => {
    expect(Buffer.byteLength(html)).toBeLessThan(60_000);
  });
});

describe('the policy', () => {
  it('allows the style by its hash and nothing else', () => {
    const styles = [...html.matchAll(/<style>(.*?)<\/style>/gs)].map(([, style]) => style ?? '');
    expect(styles).toHaveLength(1);
    const hash = createHash('sha256')
      .update(styles[0] ?? '')
      .digest('base64');
    expect(contentSecurityPolicy).toBe(
      `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    );
  });

  it('has nothing to forbid: no script, no style attribute, nothing that is loaded', () => {
    expect(html).not.toMatch(/<(script|link|img|iframe|object|embed|base|form|svg)[\s>]/);
    expect(html).not.toMatch(/\s(style|on\w+|src|srcset|action)=/);
    expect(html.split('<style>')[1]?.split('</style>')[0]).not.toMatch(/url\(|@import/);
  });

  it('only links to other places in text', () => {
    const outside = [...html.matchAll(/<(\w+)[^>]*\shref="(https?:[^"]*)"/g)].map(([, tag, url]) => [
      tag,
      url,
    ]);
    expect(outside).toEqual([
      ['a', 'https://www.standardwebhooks.com/'],
      ['a', 'https://html.spec.whatwg.org/multipage/server-sent-events.html'],
    ]);
  });
});

describe('hostile text', () => {
  const hostile = `"><script>alert('x')</script><img src=x onerror=alert(1)>\`</code><b>\``;
  const hostileDocument = {
    info: { title: hostile, version: hostile, description: `# ${hostile}\n\n${hostile}` },
    tags: [{ name: hostile, description: hostile }],
    paths: {
      [`/v1/${hostile}/{${hostile}}`]: {
        [hostile]: {
          tags: [hostile],
          summary: hostile,
          description: hostile,
          operationId: hostile,
          parameters: [
            { name: hostile, in: 'query', required: true, description: hostile, schema: { type: hostile } },
          ],
          requestBody: {
            required: true,
            content: {
              'application/json': {
                schema: {
                  required: [hostile],
                  properties: {
                    [hostile]: { enum: [hostile], pattern: hostile, default: hostile, format: hostile },
                  },
                },
              },
            },
          },
          responses: {
            [hostile]: { description: hostile },
            200: {
              content: {
                'application/json': { schema: { properties: { data: { properties: { [hostile]: {} } } } } },
              },
            },
          },
        },
      },
    },
  };
  const page = renderDocs(hostileDocument, `http://${hostile}`).html;

  it('stays text', () => {
    const plain = renderDocs({}, publicUrl).html;
    const tags = (text: string): Set<string> =>
      new Set([...text.matchAll(/<(\w+)/g)].map(([, tag]) => tag ?? ''));
    expect(page).not.toMatch(/<(script|img)/);
    expect([...tags(page)].filter((tag) => !tags(html).has(tag) && !tags(plain).has(tag))).toEqual([]);
  });

  it('leaves every attribute whole', () => {
    for (const [tag] of page.matchAll(/<\w[^>]*>/g))
      expect(tag).toMatch(/^<\w+(?:\s[a-z-]+(?:="[^"<>]*")?)*>$/);
  });

  it('cannot pretend to be markup', () => {
    const pretended = { info: { title: { markup: '<script>' } as unknown as string } };
    expect(() => renderDocs(pretended, publicUrl)).toThrow();
  });
});

it('renders a schema that contains itself', () => {
  const Tree = {
    type: 'object',
    properties: { children: { type: 'array', items: { $ref: '#/components/schemas/Tree' } } },
  };
  const schema = { properties: { ok: {}, data: { $ref: '#/components/schemas/Tree' } } };
  const operation = { responses: { 200: { content: { 'application/json': { schema } } } } };
  const document = { paths: { '/v1/tree': { get: operation } }, components: { schemas: { Tree } } };
  expect(renderDocs(document, publicUrl).html).toContain('<span>children[].</span>children');
});
