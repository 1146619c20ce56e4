import { expect, it } from 'vitest';
import { printHtml } from '../../platform/html.ts';
import { loadMarkdown } from './markdown.ts';

const markdown = await loadMarkdown();

const render = (text: string, resolve?: (href: string) => string | undefined): string =>
  printHtml(markdown.render(text, resolve)).trim();

it('shows tags as text', () => {
  const hostile = '<script>alert(1)</script> <img src=x onerror=alert(1)>';
  for (const text of [
    hostile,
    `## ${hostile}`,
    `| a |\n| - |\n| ${hostile} |`,
    `\`\`\`sh\n${hostile}\n\`\`\``,
  ]) {
    expect(render(text)).not.toMatch(/<(script|img)/);
    expect(render(text)).toContain('&lt;script&gt;');
  }
  expect(printHtml(markdown.renderInline(hostile))).not.toMatch(/<(script|img)/);
});

it('makes no link of a URL that runs code', () => {
  for (const url of ['javascript:alert(1)', 'data:text/html,x', 'vbscript:x']) {
    expect(render(`[a](${url})`, (href) => href)).not.toContain('href');
  }
});

it('resolves relative links, and drops those without a target', () => {
  const resolve = (href: string) => (href.startsWith('../') ? undefined : `page/${href}`);
  expect(render('[a](b.md#c) [d](../e.md) [f](https://g.example/) [h](#i)', resolve)).toBe(
    '<p><a href="page/b.md#c">a</a> d <a href="https://g.example/">f</a> <a href="#i">h</a></p>',
  );
});

it('gives headings the anchors that GitHub gives them', () => {
  expect(render("## A key's `id`: 1/2")).toBe('<h2 id="a-keys-id-12">A key\'s <code>id</code>: 1/2</h2>');
});

it('names the language of a block, and a wide table scrolls by itself', () => {
  expect(render('```sh run\ncurl "$URL"\n```')).toBe(
    '<figure><figcaption>Shell</figcaption><pre><code>curl &quot;$URL&quot;</code></pre></figure>',
  );
  expect(render('| a |\n| - |\n| b |')).toMatch(
    /^<div class="table" tabindex="0"><table>[\s\S]*<\/table><\/div>$/,
  );
});
