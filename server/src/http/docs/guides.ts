import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { headingAnchor } from './markdown.ts';

/** The guides in the order of the menu: the names of the files in `docs/guides/`. */
export const guideNames = [
  'first-steps',
  'sandbox',
  'hosted-pages',
  'webhooks',
  'events',
  'chains',
  'treasury',
  'keys',
  'screening',
  'verification',
  'configuration',
  'operations',
  'command-line',
] as const;

/** A guide in Markdown. */
export interface Guide {
  readonly name: string;
  readonly title: string;
  /** Its first paragraph, in Markdown. */
  readonly summary: string;
  /** The headings of its sections. */
  readonly sections: readonly { readonly id: string; readonly title: string }[];
  readonly text: string;
}

/** The base URL in the examples of the guides. */
const exampleUrl = 'http://localhost:4000';

/** What a shell reads as itself, in a word without quotes. */
const plainUrl = /^https?:\/\/[\w.:[\]/-]+$/;

/**
 * Reads the guides.
 *
 * @param folder the directory with the Markdown files
 * @param publicUrl replaces the base URL in the examples, unless a shell would interpret a character in it
 * @throws Error of the file system if a guide is missing
 */
export function readGuides(folder: string, publicUrl: string): readonly Guide[] {
  const url = plainUrl.test(publicUrl) ? publicUrl : exampleUrl;
  return guideNames.map((name) => {
    const text = readFileSync(join(folder, `${name}.md`), 'utf8').replaceAll(exampleUrl, url);
    const [heading = '', summary = ''] = text.split('\n\n', 2);
    const titles = [...text.matchAll(/^## (.*)$/gm)].map(([, title = '']) => title);
    return {
      name,
      title: heading.replace(/^# /, ''),
      summary: summary.replaceAll('\n', ' '),
      sections: titles.map((title) => ({ id: headingAnchor(title), title })),
      text,
    };
  });
}
