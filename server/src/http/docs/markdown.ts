import MarkdownIt, { type Token } from 'markdown-it';
import { type Html, verbatim } from '../../platform/html.ts';

/** What a relative link leads to: another address, or undefined if the page has no such target. */
export type LinkResolver = (href: string) => string | undefined;

const languages: Readonly<Record<string, string>> = {
  js: 'Node.js',
  json: 'JSON',
  sh: 'Shell',
  sql: 'SQL',
};

/** `html: false` escapes every tag in the text; `validateLink` of the library refuses `javascript:` and its kind. */
const renderer = new MarkdownIt({ html: false });
const { escapeHtml } = renderer.utils;

renderer.renderer.rules.fence = (tokens, index) => {
  const { content = '', info = '' } = tokens[index] ?? {};
  const title = languages[info.split(' ', 1)[0] ?? ''];
  const caption = title === undefined ? '' : `<figcaption>${title}</figcaption>`;
  return `<figure>${caption}<pre><code>${escapeHtml(content.trimEnd())}</code></pre></figure>\n`;
};
// A wide table scrolls by itself, with the keyboard too; the page does not.
renderer.renderer.rules.table_open = () => '<div class="table" tabindex="0"><table>\n';
renderer.renderer.rules.table_close = () => '</table></div>\n';

/**
 * Renders CommonMark with tables as HTML. Tags in the text are shown, never interpreted.
 *
 * @param resolve called for every relative link; a link without a target becomes plain text
 */
export function renderMarkdown(text: string, resolve: LinkResolver = () => undefined): Html {
  const tokens = renderer.parse(text, {});
  for (const [index, token] of tokens.entries()) {
    if (token.type === 'heading_open') token.attrSet('id', headingAnchor(tokens[index + 1]?.content ?? ''));
    if (token.children) resolveLinks(token.children, resolve);
  }
  return verbatim(renderer.renderer.render(tokens, renderer.options, {}));
}

/** Renders a text of one paragraph without the paragraph itself. */
export function renderInline(text: string): Html {
  return verbatim(renderer.renderInline(text));
}

/** The anchor of a heading, as GitHub makes it. */
export function headingAnchor(title: string): string {
  return title
    .toLowerCase()
    .replaceAll(/[^\w\s-]/g, '')
    .replaceAll(/\s/g, '-');
}

/** Gives relative links their address, and drops those without a target. Links do not nest. */
function resolveLinks(tokens: Token[], resolve: LinkResolver): void {
  let isDropped = false;
  for (const token of tokens) {
    if (token.type === 'link_open') {
      const href = String(token.attrGet('href') ?? '');
      const target = /^(https?:|#)/.test(href) ? href : resolve(href);
      isDropped = target === undefined;
      if (target !== undefined) token.attrSet('href', target);
    }
    if (isDropped && (token.type === 'link_open' || token.type === 'link_close')) {
      // Not rendered: an empty text stands in the tag's place.
      token.type = 'text';
      token.content = '';
    }
  }
}
