import { hash } from 'node:crypto';
import { type Html, html, type Piece, printHtml, verbatim } from '../../platform/html.ts';
import type { DocumentText } from '../static-document.ts';
import type { Guide } from './guides.ts';
import { style } from './style.css.ts';

/** What a page of the documentation consists of. */
export interface DocsPage {
  readonly title: string;
  /** The relative address of the directory that contains `docs`: `./`, `../`, … */
  readonly root: string;
  /** The name of the guide that the page shows, if it shows one. */
  readonly guide?: string;
  readonly content: Html;
}

/** The page loads nothing and runs no script; the policy permits its style sheet by the hash. */
const contentSecurityPolicy = [
  "default-src 'none'",
  `style-src 'sha256-${hash('sha256', style, 'base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** The anchor of the menu. A narrow screen shows the menu only while it is the target, which needs no script. */
const menuAnchor = 'menu';

/** Puts a page of ours into the frame that all share: menu, style sheet, policy. */
export function layoutPage(page: DocsPage, apiTitle: string, guides: readonly Guide[]): DocumentText {
  const { content, root, title } = page;
  const document = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${verbatim(style)}</style>
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<header class="bar"><a href="${root}docs">${apiTitle}</a><a class="open" href="#${menuAnchor}">Menu</a></header>
<div class="frame">
${menu(page, apiTitle, guides)}
<main id="content" tabindex="-1">
${content}</main>
</div>
</body>
</html>
`;
  return {
    content: printHtml(document),
    type: 'text/html; charset=utf-8',
    headers: { 'content-security-policy': contentSecurityPolicy },
  };
}

function menu({ guide: current, root }: DocsPage, apiTitle: string, guides: readonly Guide[]): Html {
  return html`<nav class="menu" id="${menuAnchor}" aria-label="Documentation">
<a class="close" href="#content">Close the menu</a>
<ul>
<li class="home"><a href="${root}docs">${apiTitle}</a></li>
<li><a href="${root}docs/reference">API reference</a></li>
<li><a href="${root}docs#errors">Errors</a></li>
<li class="group">Guides
<ul>
${guides.map((guide) => guideLink(guide, root, guide.name === current))}</ul></li>
</ul>
</nav>`;
}

function guideLink({ name, sections, title }: Guide, root: string, isCurrent: boolean): Html {
  if (!isCurrent) return html`<li><a href="${root}docs/guides/${name}">${title}</a></li>\n`;
  const links: Piece = sections.map(
    ({ id, title: section }) => html`<li><a href="#${id}">${section}</a></li>\n`,
  );
  return html`<li><a href="#content" aria-current="page">${title}</a>
<ul>
${links}</ul></li>
`;
}
