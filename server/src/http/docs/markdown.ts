import type { MarkdownIt, Token } from 'markdown-it';
import { type Html, verbatim } from '../../platform/html.ts';

/** What a relative link leads to: another address, or undefined if the page has no such target. */
export type LinkResolver = (href: string) => string | undefined;

/** Renders CommonMark with tables as HTML. Tags in the text are shown, never interpreted. */
export interface Markdown {
  /** @param resolve called for every relative link; a link without a target becomes plain text */
  render(text: string, resolve?: LinkResolver): Html;
  /** Renders a text of one paragraph without the paragraph itself. */
  renderInline(text: string): Html;
}

const languages: Readonly<Record<string, string>> = {
  js: 'Node.js',
  json: 'JSON',
  sh: 'Shell',
  sql: 'SQL',
};

/** Loads the library, which a server needs only once somebody reads its documentation. */
export async function loadMarkdown(): Promise<Markdown> {
  const { default: Library } = await import('markdown-it');
  // `html: false` escapes every tag in the text; `validateLink` of the library refuses `javascript:` and its kind.
  const library = new Library({ html: false });
  setRules(library);
  return {
    render: (text, resolve = () => undefined) => render(library, text, resolve),
    renderInline: (text) => verbatim(library.renderInline(text)),
  };
}

function setRules({ renderer, utils }: MarkdownIt): void {
  renderer.rules.fence = (tokens, index) => {
    const { content = '', info = '' } = tokens[index] ?? {};
    const title = languages[info.split(' ', 1)[0] ?? ''];
    const caption = title === undefined ? '' : `<figcaption>${title}</figcaption>`;
    return `<figure>${caption}<pre><code>${utils.escapeHtml(content.trimEnd())}</code></pre></figure>\n`;
  };
  // A wide table scrolls by itself, with the keyboard too; the page does not.
  renderer.rules.table_open = () => '<div class="table" tabindex="0"><table>\n';
  renderer.rules.table_close = () => '</table></div>\n';
}

function render(library: MarkdownIt, text: string, resolve: LinkResolver): Html {
  const tokens = library.parse(text, {});
  for (const [index, token] of tokens.entries()) {
    if (token.type === 'heading_open') token.attrSet('id', headingAnchor(tokens[index + 1]?.content ?? ''));
    if (token.children) resolveLinks(token.children, resolve);
  }
  return verbatim(library.renderer.render(tokens, library.options, {}));
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
