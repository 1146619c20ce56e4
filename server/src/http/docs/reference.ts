import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { html, printHtml, verbatim } from '../../platform/html.ts';
import type { DocumentText } from '../static-document.ts';

/** The bar above the reference. The variable tells Scalar how much of the window it takes. */
const style = `
:root { --scalar-custom-header-height: 3rem; color-scheme: light dark; }
body { margin: 0; font-family: system-ui, -apple-system, 'Segoe UI', Roboto, Arial, sans-serif; }
.bar {
  position: sticky; top: 0; z-index: 20; display: flex; gap: 1.25rem; align-items: center; box-sizing: border-box;
  height: 3rem; padding: 0 1rem; background: Canvas; color: CanvasText; border-bottom: 1px solid #8a94a3;
}
.bar a { color: inherit; text-decoration: none; }
.bar a:hover { text-decoration: underline; }
.bar .home { font-weight: 650; }
noscript p { padding: 1rem; }
`;

/** Colours with the contrast of 4.5 that WCAG 2.2 AA requires; some of Scalar's own have less. */
const colours = `
.light-mode {
  --scalar-color-2: #4d5562; --scalar-color-3: #5c6472; --scalar-color-green: #00643c; --scalar-color-blue: #0a57a4;
  --scalar-color-orange: #8a4300; --scalar-color-red: #a8201a;
}
.dark-mode { --scalar-color-2: #b4bcc8; --scalar-color-3: #a2abb8; }
`;

/** Stores no key, sends no request from the page, and calls no other host. */
const configuration = {
  agent: { disabled: true },
  customCss: colours,
  defaultHttpClient: { targetKey: 'shell', clientKey: 'curl' },
  hideClientButton: true,
  hideTestRequestButton: true,
  mcp: { disabled: true },
  persistAuth: false,
  showDeveloperTools: 'never',
  telemetry: false,
  withDefaultFonts: false,
};

const startScript = `Scalar.createApiReference('#reference', {
  ...${JSON.stringify(configuration)},
  url: new URL('../openapi.json', document.baseURI).href,
});`;

/**
 * Scripts are the bundle and the one that starts it, requests go to this server only, nothing is evaluated. Scalar sets
 * styles from scripts, as elements and as attributes, and cannot run without `'unsafe-inline'` for them.
 */
const contentSecurityPolicy = [
  "default-src 'none'",
  `script-src 'self' 'sha256-${hash('sha256', startScript, 'base64')}'`,
  "style-src 'unsafe-inline'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Makes the page on which Scalar renders the OpenAPI document. */
export function referencePage(apiTitle: string): DocumentText {
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${apiTitle} reference</title>
<link rel="icon" href="data:,">
<style>${verbatim(style)}</style>
</head>
<body>
<nav class="bar" aria-label="Documentation"><a class="home" href="../docs">${apiTitle}</a> <a href="../docs#guides">Guides</a> <a href="../docs#errors">Errors</a></nav>
<noscript><p>The reference needs JavaScript. The <a href="../openapi.json">OpenAPI document</a> has the same content.</p></noscript>
<div id="reference"></div>
<script src="reference/bundle.js"></script>
<script>${verbatim(startScript)}</script>
</body>
</html>
`;
  return {
    content: printHtml(page),
    type: 'text/html; charset=utf-8',
    headers: { 'content-security-policy': contentSecurityPolicy },
  };
}

/**
 * Reads Scalar's bundle.
 *
 * @param path where `scripts/build.mjs` wrote it
 * @throws Error of the file system if the project has not been built
 */
export function readReferenceBundle(path: string): DocumentText {
  return { content: readFileSync(path), type: 'text/javascript; charset=utf-8' };
}
