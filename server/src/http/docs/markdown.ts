import { type Html, html, type Piece } from '../../platform/html.ts';

/** The little Markdown that our texts use: headings, paragraphs, inline code. The rest stays as typed. */

/**
 * Renders a text with paragraphs and headings.
 *
 * @param topLevel the level that `##` becomes, so that the page keeps one outline
 */
export function markdown(text: string, topLevel: 2 | 3 | 4): Html {
  const blocks = text.split(/\n\s*\n/).map((block) => block.trim());
  return html`${blocks.filter((block) => block !== '').map((block) => renderBlock(block, topLevel))}`;
}

/** Renders a text of one paragraph: inline code only. */
export function inlineMarkdown(text: string): Piece {
  const parts = text.split(/`([^`]+)`/);
  return parts.map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : part));
}

function renderBlock(block: string, topLevel: number): Html {
  const match = /^(#{1,6})\s+(.*)$/s.exec(block);
  if (!match) return html`<p>${inlineMarkdown(block)}</p>\n`;
  const [, marks = '##', title = ''] = match;
  const level = Math.min(Math.max(topLevel + marks.length - 2, 2), 6);
  return heading(level, inlineMarkdown(title));
}

function heading(level: number, title: Piece): Html {
  if (level === 2) return html`<h2>${title}</h2>\n`;
  if (level === 3) return html`<h3>${title}</h3>\n`;
  if (level === 4) return html`<h4>${title}</h4>\n`;
  return html`<h5>${title}</h5>\n`;
}
