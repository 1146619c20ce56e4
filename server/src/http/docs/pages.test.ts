import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import type { DocumentText } from '../static-document.ts';
import { guideNames } from './guides.ts';
import { docsPages } from './pages.ts';
import { reasons } from './reasons.ts';

const publicUrl = 'http://127.0.0.1:4000';
const guidesFolder = fileURLToPath(new URL('../../../../docs/guides', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'openledger-docs-'));
const referenceBundle = join(folder, 'reference.js');
writeFileSync(referenceBundle, 'bundle');
afterAll(() => rmSync(folder, { recursive: true }));

const info = {
  title: 'An API',
  version: '1.2.3',
  description: 'It does `much`.\n\n## Lists\n\nThey have an end.',
};

function pagesWith(more: Partial<typeof info> = {}, url = publicUrl) {
  return docsPages({ guides: guidesFolder, referenceBundle }, { ...info, ...more }, () => url);
}

async function make(path: string, pages = pagesWith()): Promise<DocumentText> {
  const page = pages[path];
  if (!page) throw new Error(`There is no page ${path}`);
  return page();
}

const htmlOf = async (path: string, pages = pagesWith()): Promise<string> =>
  String((await make(path, pages)).content);
const policyOf = async (path: string): Promise<string> =>
  (await make(path)).headers?.['content-security-policy'] ?? '';
const ownPages = ['/docs', ...guideNames.map((name) => `/docs/guides/${name}`)];

it('has a page for every guide in the directory', async () => {
  const files = readdirSync(guidesFolder).map((file) => file.replace(/\.md$/, ''));
  expect(files.toSorted()).toEqual([...guideNames].toSorted());
});

describe('the front page', () => {
  it('has the description of the API, the guides, and the reference', async () => {
    const html = await htmlOf('/docs');
    expect(html).toContain('It does <code>much</code>.');
    expect(html).toContain('<h2 id="lists">Lists</h2>');
    expect(html).toContain(`Base URL: <code>${publicUrl}</code>`);
    for (const name of guideNames) expect(html).toContain(`href="docs/guides/${name}"`);
    for (const path of ['docs/reference', 'openapi.json', 'events.schema.json'])
      expect(html).toContain(`href="${path}"`);
  });

  it('has the anchor of every reason once', async () => {
    const html = await htmlOf('/docs');
    for (const { reason } of reasons) expect(html.split(`id="error-${reason}"`)).toHaveLength(2);
  });

  it('shows hostile text as text', async () => {
    const hostile = `"><script>alert('x')</script><img src=x onerror=alert(1)>\`</code><b>\``;
    const html = await htmlOf(
      '/docs',
      pagesWith(
        { title: hostile, version: hostile, description: `${hostile}\n\n## ${hostile}` },
        `http://${hostile}`,
      ),
    );
    expect(html).not.toMatch(/<(script|img|b)[\s>]/);
    for (const [tag] of html.matchAll(/<\w[^>]*>/g))
      expect(tag).toMatch(/^<\w+(?:\s[a-z-]+(?:="[^"<>]*")?)*>$/);
  });
});

describe.each(ownPages)('%s', (path) => {
  it('has every anchor once, and each one that it points to', async () => {
    const html = await htmlOf(path);
    const ids = [...html.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [, target] of html.matchAll(/ href="#([^"]*)"/g)) expect(ids).toContain(target);
  });

  it('links to what the server has', async () => {
    const pages = pagesWith();
    const targets = [...(await htmlOf(path)).matchAll(/ href="([^"#][^"]*)"/g)].map(
      ([, href = '']) => new URL(href, publicUrl + path),
    );
    for (const { hash, origin, pathname } of targets.filter(({ origin }) => origin === publicUrl)) {
      if (/^\/(openapi|events\.schema)\.json$/.test(pathname)) continue;
      expect(pages, `${path} → ${pathname}`).toHaveProperty([pathname]);
      if (hash)
        expect(await htmlOf(pathname, pages), `${origin}${pathname}${hash}`).toContain(
          ` id="${hash.slice(1)}"`,
        );
    }
  });

  it('runs no script, loads nothing, and permits its style sheet by the hash', async () => {
    const html = await htmlOf(path);
    const styles = [...html.matchAll(/<style>(.*?)<\/style>/gs)].map(([, style]) => style ?? '');
    expect(styles).toHaveLength(1);
    const hash = createHash('sha256')
      .update(styles[0] ?? '')
      .digest('base64');
    expect(await policyOf(path)).toBe(
      `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    );
    expect(html).not.toMatch(/<(script|link|img|iframe|object|embed|base|form|svg)[\s>]/);
    expect(html).not.toMatch(/<[^>]*\s(style|on\w+|src|srcset|action)=/);
    expect(styles[0]).not.toMatch(/url\(|@import/);
  });

  it('is small', async () => {
    expect(Buffer.byteLength(await htmlOf(path))).toBeLessThan(60_000);
  });
});

describe('a guide', () => {
  it('has the server’s own URL in its examples, as a page and as Markdown', async () => {
    for (const path of ['/docs/guides/events', '/docs/guides/events.md']) {
      const text = await htmlOf(path, pagesWith({}, 'https://ledger.example.com/v2/'));
      expect(text).toContain('URL=https://ledger.example.com/v2\n');
      expect(text).not.toContain('localhost:4000');
    }
  });

  it('keeps the example URL if a shell would interpret the server’s', async () => {
    expect(await htmlOf('/docs/guides/events.md', pagesWith({}, 'http://x/$(id)'))).toContain(
      'URL=http://localhost:4000\n',
    );
  });
});

describe('the reference', () => {
  it('runs the bundle and its own script, evaluates nothing, and calls this server only', async () => {
    const html = await htmlOf('/docs/reference');
    const [, script = ''] = /<script>(.*?)<\/script>/s.exec(html) ?? [];
    const hash = createHash('sha256').update(script).digest('base64');
    const policy = await policyOf('/docs/reference');
    expect(policy).toContain(`script-src 'self' 'sha256-${hash}';`);
    expect(policy).toContain("default-src 'none'; ");
    expect(policy).toContain("connect-src 'self';");
    expect(policy).not.toContain('unsafe-eval');
    expect(script).toContain('"telemetry":false');
    expect(html.match(/<script/g)).toHaveLength(2);
  });

  it('has the bundle that the build wrote', async () => {
    expect(String((await make('/docs/reference/bundle.js')).content)).toBe('bundle');
  });
});
