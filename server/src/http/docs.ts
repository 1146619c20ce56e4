import { hash } from 'node:crypto';
import { printHtml } from '../platform/html.ts';
import { page } from './docs/page.ts';
import type { SandboxValue } from './docs/sandbox-values.ts';
import { style } from './docs/style.css.ts';

/** A page with the policy under which a browser may show it. */
export interface DocsPage {
  readonly html: string;
  readonly contentSecurityPolicy: string;
}

/** Nothing is loaded and nothing runs; the one style sheet is known by its hash. */
const contentSecurityPolicy = [
  "default-src 'none'",
  `style-src 'sha256-${hash('sha256', style, 'base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/**
 * Renders the documentation page out of the OpenAPI document. It is whole in itself: it works without network and
 * without scripts.
 *
 * @param publicUrl the base URL that clients reach this server by
 * @param sandboxValues the values that steer the sandbox
 */
export function renderDocs(
  document: object,
  publicUrl: string,
  sandboxValues: readonly SandboxValue[] = [],
): DocsPage {
  const baseUrl = publicUrl.replace(/\/+$/, '');
  return { html: printHtml(page(document, baseUrl, sandboxValues)), contentSecurityPolicy };
}
