import type { DocumentText } from '../static-document.ts';
import { type ApiInfo, frontPage } from './front-page.ts';
import { guidePage } from './guide-page.ts';
import { type Guide, guideNames, readGuides } from './guides.ts';
import { layoutPage } from './layout.ts';
import { loadMarkdown } from './markdown.ts';
import { readReferenceBundle, referencePage } from './reference.ts';

/** Where the parts of the documentation are that are files. */
export interface DocsFiles {
  /** The directory with the guides in Markdown. */
  readonly guides: string;
  /** The script that renders the reference, as `scripts/build.mjs` copies it. */
  readonly referenceBundle: string;
}

/** Makes a page when it is first requested. */
export type PageMaker = () => DocumentText | Promise<DocumentText>;

/**
 * Lists the pages of the documentation by their path, each with a function that makes it.
 *
 * @param info describes the API as a whole
 * @param publicUrl the base URL that clients use; known once the server listens
 */
export function docsPages(
  files: DocsFiles,
  info: ApiInfo,
  publicUrl: () => string,
): Readonly<Record<string, PageMaker>> {
  const baseUrl = (): string => publicUrl().replace(/\/+$/, '');
  const guides = () => readGuides(files.guides, baseUrl());
  const pages: Record<string, PageMaker> = {
    '/docs': async () => {
      const all = guides();
      return layoutPage(frontPage(await loadMarkdown(), info, baseUrl(), all), info.title, all);
    },
    '/docs/reference': () => referencePage(info.title),
    '/docs/reference/bundle.js': () => readReferenceBundle(files.referenceBundle),
  };
  for (const [index, name] of guideNames.entries()) {
    pages[`/docs/guides/${name}`] = async () => {
      const all = guides();
      const page = guidePage(await loadMarkdown(), all[index] as Guide, info.title);
      return layoutPage(page, info.title, all);
    };
    pages[`/docs/guides/${name}.md`] = () => ({
      content: (guides()[index] as Guide).text,
      type: 'text/markdown; charset=utf-8',
    });
  }
  return pages;
}
