import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { ConfigError } from '../platform/config.ts';
import { type Html, html } from '../platform/html.ts';

/** The terms of service that customers accept. */
export interface TermsOfService {
  /** The name of the file, without its extension. */
  readonly version: string;
  readonly sha256: Buffer;
  readonly title: string;
  readonly body: Html;
}

/**
 * Loads the terms from a Markdown file of `#` headings, `-` lists and paragraphs.
 *
 * @throws ConfigError if the file cannot be read or is empty
 */
export function loadTermsOfService(path: string): TermsOfService {
  const text = readText(path).replaceAll('\r\n', '\n').trim();
  if (text === '') throw new ConfigError(`OPENLEDGER_TERMS_FILE: ${path} is empty.`);
  const [first = '', ...rest] = text.split(/\n\s*\n/);
  const heading = /^#\s+(.+)$/.exec(first.trim())?.[1];
  return {
    version: basename(path).replace(/\.[^.]+$/, ''),
    sha256: createHash('sha256').update(text).digest(),
    title: heading ?? 'Terms of service',
    body: html`${(heading === undefined ? [first, ...rest] : rest).map(renderBlock)}`,
  };
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new ConfigError(
      `OPENLEDGER_TERMS_FILE: cannot read ${path} (${(error as NodeJS.ErrnoException).code}).`,
    );
  }
}

function renderBlock(block: string): Html {
  const text = block.trim();
  const heading = /^#{1,6}\s+(.+)$/s.exec(text)?.[1];
  if (heading !== undefined) return html`<h2>${heading}</h2>\n`;
  if (!/^[-*] /.test(text)) return html`<p>${text}</p>\n`;
  const items = text.split(/\n(?=[-*] )/).map((item) => html`<li>${item.slice(2)}</li>`);
  return html`<ul>${items}</ul>\n`;
}
