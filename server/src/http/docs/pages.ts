import type { DocumentText } from '../static-document.ts';
import { type ApiInfo, frontPage } from './front-page.ts';
import { guidePage } from './guide-page.ts';
import { guideNames, readGuides } from './guides.ts';
import { layoutPage } from './layout.ts';
import { readReferenceBundle, referencePage } from './reference.ts';

/** Where the parts of the documentation are that are files. */
export interface DocsFiles {
  /** The directory with the guides in Markdown. */
  readonly guides: string;
  /** The script that renders the reference, as `scripts/build.mjs` copies it. */
  readonly referenceBundle: string;
}

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
): Readonly<Record<string, () => DocumentText>> {
  const baseUrl = (): string => publicUrl().replace(/\/+$/, '');
  const guides = () => readGuides(files.guides, baseUrl());
  const guideOf = (name: string) => {
    const all = guides();
    const guide = all.find((candidate) => candidate.name === name);
    if (!guide) throw new Error(`There is no guide ${name}`);
    return { all, guide };
  };
  const pages: Record<string, () => DocumentText> = {
    '/docs': () => {
      const all = guides();
      return layoutPage(frontPage(info, baseUrl(), all), info.title, all);
    },
    '/docs/reference': () => referencePage(info.title),
    '/docs/reference/bundle.js': () => readReferenceBundle(files.referenceBundle),
  };
  for (const name of guideNames) {
    pages[`/docs/guides/${name}`] = () => {
      const { all, guide } = guideOf(name);
      return layoutPage(guidePage(guide, info.title), info.title, all);
    };
    pages[`/docs/guides/${name}.md`] = () => ({
      content: guideOf(name).guide.text,
      type: 'text/markdown; charset=utf-8',
    });
  }
  return pages;
}
