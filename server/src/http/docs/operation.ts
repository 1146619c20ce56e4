import { anchor, type Html, html, type Piece } from '../../platform/html.ts';
import { curlCommand } from './curl.ts';
import type { Answer, Endpoint, OpenApiDocument, SharedObject, TagSection } from './document.ts';
import { exampleAnswer } from './example.ts';
import { inlineMarkdown, markdown } from './markdown.ts';
import { answerFields, parameterFields, requestFields } from './schema.ts';

/** What every operation is rendered with. */
export interface PageContext {
  readonly document: OpenApiDocument;
  readonly publicUrl: string;
  /** The names of objects that are shown once, apart from the operations. */
  readonly shared: ReadonlySet<string>;
}

/** The anchor of a tag's section. */
export function tagAnchor(name: string): string {
  return `tag-${anchor(name.toLowerCase())}`;
}

/** Renders a tag: what it is for, its objects, its operations. */
export function tagSection(context: PageContext, section: TagSection): Html {
  return html`<section id="${tagAnchor(section.name)}">
<h2>${section.name}</h2>
<p class="lead">${inlineMarkdown(section.description)}</p>
${section.objects.map((object) => sharedObject(context, object))}
${section.endpoints.map((endpoint) => operation(context, endpoint))}
</section>
`;
}

/** A method in its colour. */
export function methodBadge(method: string): Html {
  return html`<span class="method ${method.toLowerCase()}">${method}</span>`;
}

/** A block of code with what it is. */
export function codeBlock(title: string, code: string): Html {
  return html`<figure><figcaption>${title}</figcaption><pre><code>${code}</code></pre></figure>
`;
}

/** The anchor of an object that is shown apart from the operations. */
export function objectAnchor(name: string): string {
  return `object-${anchor(name)}`;
}

function sharedObject({ document }: PageContext, { name, schema }: SharedObject): Html {
  return html`<article id="${objectAnchor(name)}">
<h3>The <code>${name}</code> object</h3>
${answerFields(document, schema)}
</article>
`;
}

function operation(context: PageContext, endpoint: Endpoint): Html {
  const { description, id, method, path, summary } = endpoint;
  return html`<article class="operation" id="${anchor(id)}">
<div class="text">
<h3>${summary}</h3>
<p class="path">${methodBadge(method)} <code>${path}</code></p>
${markdown(description, 4)}
${parameters(context, endpoint)}
${requestBody(context, endpoint)}
${responses(context, endpoint)}
</div>
<div class="code">
${codeBlock('Request', curlCommand(context.document, endpoint, context.publicUrl))}
${answerExample(context, endpoint)}
</div>
</article>
`;
}

function parameters({ document }: PageContext, endpoint: Endpoint): Piece {
  const places = [
    ['path', 'Path parameters'],
    ['query', 'Query parameters'],
  ] as const;
  return places.map(([place, title]) => {
    const listed = endpoint.parameters.filter((parameter) => parameter.in === place);
    if (listed.length === 0) return undefined;
    return html`<h4>${title}</h4>\n${parameterFields(document, listed)}`;
  });
}

function requestBody({ document }: PageContext, { body }: Endpoint): Piece {
  if (!body) return undefined;
  const note = body.required ? undefined : html` <small>may be left out</small>`;
  return html`<h4>Body${note}</h4>\n${requestFields(document, body.schema)}`;
}

function responses(context: PageContext, endpoint: Endpoint): Html {
  const { answer } = endpoint;
  const lines = endpoint.responses.map(
    ({ description, status }) => html`<li><code>${status}</code> ${inlineMarkdown(description)}</li>`,
  );
  return html`<h4>Responses</h4>
<ul class="statuses">${lines}</ul>
${answer && answerData(context, answer)}`;
}

/** What `data` is: a link to an object that is shown elsewhere, or its fields. */
function answerData({ document, shared }: PageContext, { isList, name, schema }: Answer): Html {
  if (name !== undefined && shared.has(name)) {
    const link = html`<a href="#${objectAnchor(name)}"><code>${name}</code></a>`;
    return isList
      ? html`<p><code>data</code> is an array of ${link} objects, with <code>nextCursor</code> beside it.</p>`
      : html`<p><code>data</code> is a ${link} object.</p>`;
  }
  const isArray = isList || schema.items !== undefined;
  const holder = isArray ? html`each item of <code>data</code>` : html`<code>data</code>`;
  return html`<h5>Fields of ${holder}</h5>\n${answerFields(document, schema.items ?? schema)}`;
}

function answerExample({ document }: PageContext, { answer, id }: Endpoint): Piece {
  if (!answer) return undefined;
  return codeBlock('Response', JSON.stringify(exampleAnswer(document, id, answer), undefined, 2));
}
