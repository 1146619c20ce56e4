import { hash } from 'node:crypto';
import { type Html, html, type Piece, printHtml, verbatim } from '../platform/html.ts';
import { style } from './style.css.ts';

/** The frame of every hosted page. */
export interface PageFrame {
  readonly title: string;
  readonly body: Piece;
  /** The page shows faults of a form. */
  readonly isFaulty?: boolean;
  /** The page belongs to the sandbox and warns against entering real data. */
  readonly isSandbox?: boolean;
  /** The number of the step, from 1. */
  readonly progress?: { readonly step: number; readonly of: number };
  /** The URL of the previous page, relative to this one. */
  readonly back?: string | undefined;
}

/** Allows no resources, scripts or frames. The style sheet is allowed by its hash. */
export const contentSecurityPolicy = [
  "default-src 'none'",
  `style-src 'sha256-${hash('sha256', style, 'base64')}'`,
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Renders a complete page, without scripts and external resources. */
export function renderPage(frame: PageFrame): string {
  const { back, body, isFaulty, isSandbox, progress, title } = frame;
  return printHtml(html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex, nofollow">
<meta name="format-detection" content="telephone=no">
<title>${isFaulty ? 'Please check: ' : ''}${title}</title>
<style>${verbatim(style)}</style>
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
${isSandbox ? html`<header class="sandbox">Sandbox: give no real data</header>` : undefined}
<div class="frame">
${back === undefined && !progress ? undefined : top(back, progress)}
<main id="content" tabindex="-1">
${body}
</main>
<footer class="foot"><p>What you give here is encrypted, and seen only by those who check it.</p></footer>
</div>
</body>
</html>
`);
}

function top(back: string | undefined, progress: PageFrame['progress']): Html {
  return html`<nav class="top" aria-label="Steps">
${back === undefined ? html`<span></span>` : html`<a href="${back}">← Back</a>`}
${progress ? html`<p>Step ${progress.step} of ${progress.of}</p>` : undefined}
</nav>
${progress ? bars(progress) : undefined}`;
}

function bars({ of, step }: { readonly step: number; readonly of: number }): Html {
  const bar = (index: number): Html => (index < step ? html`<li class="done"></li>` : html`<li></li>`);
  return html`<ul class="steps" aria-hidden="true">${Array.from({ length: of }, (_, index) => bar(index))}</ul>`;
}
