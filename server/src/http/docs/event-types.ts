import { anchor, type Html, html, type Piece } from '../../platform/html.ts';
import { type Schema, typesOfEvents } from './document.ts';
import { inlineMarkdown } from './markdown.ts';
import { codeBlock, objectAnchor, type PageContext } from './operation.ts';

/** Renders every type of events: when it is sent, what it holds, and one that a server has sent. */
export function eventTypesSection(context: PageContext): Html {
  const types = typesOfEvents(context.document);
  const article = ({
    description,
    example,
    schema,
    type,
  }: (typeof types)[number]): Html => html`<article class="event" id="${eventAnchor(type)}">
<div class="text">
<h3><code>${type}</code></h3>
<p>${inlineMarkdown(description)}</p>
${dataLine(context, schema)}
${changesLine(schema)}
</div>
<div class="code">
${codeBlock('Event', JSON.stringify(example, undefined, 2))}
</div>
</article>
`;
  return html`<section id="event-types">
<h2>Types of events</h2>
<div class="prose">
<p>What is posted to webhooks, and what <code>GET /v1/events</code> and its stream give. The JSON Schema (2020-12) of all of
them is at <a href="events.schema.json"><code>events.schema.json</code></a>, each type’s own under <code>$defs</code>; the
<a href="openapi.json">OpenAPI document</a> has them under <code>webhooks</code>.</p>
<p>An event of a change has <code>previousAttributes</code>: the former values of exactly those fields of
<code>data</code> that have changed, and <code>null</code> for what was not there. Of an object within there are the changed
fields only, a list is there as a whole. <code>updatedAt</code>, <code>kycLink</code> and <code>tosLink</code> are left out.
Who lays it over <code>data</code> has the object as it was.</p>
<ul>
${types.map(({ description, type }) => line(type, description))}</ul>
</div>
${types.map(article)}
</section>
`;
}

function eventAnchor(type: string): string {
  return `event-${anchor(type)}`;
}

function line(type: string, description: string): Html {
  return html`<li><a href="#${eventAnchor(type)}"><code>${type}</code></a> ${inlineMarkdown(description)}</li>
`;
}

/** What `data` is: a link to the object, where the page shows it. */
function dataLine({ shared }: PageContext, schema: Schema): Html {
  const data = schema.properties?.data;
  const name = (data?.$ref ?? data?.anyOf?.[0]?.$ref)?.split('/').at(-1) ?? '';
  const object = shared.has(name)
    ? html`the <a href="#${objectAnchor(name)}"><code>${name}</code></a> as it is now`
    : html`what the test was asked for with`;
  return html`<p><code>data</code> is ${object}.</p>`;
}

function changesLine({ properties, required = [] }: Schema): Piece {
  if (properties?.previousAttributes === undefined) return undefined;
  const when = required.includes('previousAttributes') ? '' : ', unless it has just been created';
  return html`<p><code>previousAttributes</code> tells what it was before${when}.</p>`;
}
