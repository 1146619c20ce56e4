import { html } from '../../platform/html.ts';
import { errorsSection } from './errors.ts';
import type { Guide } from './guides.ts';
import type { DocsPage } from './layout.ts';
import type { Markdown } from './markdown.ts';

/** The part of an OpenAPI document that describes the API as a whole. */
export interface ApiInfo {
  readonly title: string;
  readonly version: string;
  /** In Markdown: an introduction, then sections under `##`. */
  readonly description: string;
}

/** Renders the front page: the guides, the reference, the conventions of the API, and the reasons of errors. */
export function frontPage(
  markdown: Markdown,
  info: ApiInfo,
  publicUrl: string,
  guides: readonly Guide[],
): DocsPage {
  const sections = info.description.indexOf('\n## ');
  const introduction = sections < 0 ? info.description : info.description.slice(0, sections);
  const conventions = sections < 0 ? '' : info.description.slice(sections);
  const content = html`<section id="overview" class="prose">
<h1>${info.title} <small>${info.version}</small></h1>
<p>Base URL: <code>${publicUrl}</code></p>
${markdown.render(introduction)}
</section>
<section id="guides">
<h2>Guides</h2>
<ul class="cards">
${guides.map(
  ({ name, summary, title }) => html`<li><a href="docs/guides/${name}">${title}</a>
<p>${markdown.renderInline(summary)}</p></li>
`,
)}</ul>
</section>
<section id="reference" class="prose">
<h2>Reference</h2>
<p>The <a href="docs/reference">API reference</a> shows every operation, its parameters, responses and examples, and the events
that webhooks receive. It is generated from the <a href="openapi.json">OpenAPI document</a>.
<a href="events.schema.json">events.schema.json</a> is the JSON Schema of every event type.</p>
${markdown.render(conventions)}
</section>
${errorsSection(markdown, publicUrl)}`;
  return { title: `${info.title} documentation`, root: '', content };
}
