import { html } from '../../platform/html.ts';
import type { Guide } from './guides.ts';
import type { DocsPage } from './layout.ts';
import type { LinkResolver, Markdown } from './markdown.ts';

/** Renders a guide. Links to other guides lead to their pages; the server has no page for other files of the repository. */
export function guidePage(markdown: Markdown, { name, text, title }: Guide, apiTitle: string): DocsPage {
  const content = html`<article class="guide">
${markdown.render(text, toGuide)}
<p class="source"><a href="${name}.md">This page as Markdown</a></p>
</article>
`;
  return { title: `${title} · ${apiTitle}`, root: '../../', guide: name, content };
}

/** `webhooks.md#retries` leads to `webhooks#retries`, in the same directory. */
const toGuide: LinkResolver = (href) => {
  const [, name, fragment = ''] = /^([a-z-]+)\.md(#.*)?$/.exec(href) ?? [];
  return name === undefined ? undefined : name + fragment;
};
