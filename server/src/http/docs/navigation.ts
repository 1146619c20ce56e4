import { anchor, type Html, html } from '../../platform/html.ts';
import type { TagSection } from './document.ts';
import { tagAnchor } from './operation.ts';

/** The anchor of the menu. A narrow screen shows it only while it is the target: that needs no script. */
export const menuAnchor = 'menu';

const guides = [
  ['overview', 'Overview'],
  ['first-steps', 'First five minutes'],
  ['receiving-webhooks', 'Receiving webhooks'],
  ['event-types', 'Types of events'],
  ['reading-events', 'Reading events'],
  ['sandbox-values', 'Steering the sandbox'],
  ['errors', 'Errors'],
] as const;

/** Renders the menu: the guides, then every tag with its operations. */
export function navigation(sections: readonly TagSection[]): Html {
  return html`<nav class="menu" id="${menuAnchor}" aria-label="Contents">
<a class="close" href="#overview">Close the menu</a>
<ul>
${guides.map(([id, title]) => link(id, title))}<li><a href="openapi.json">OpenAPI document</a></li>
<li><a href="events.schema.json">JSON Schema of events</a></li>
${sections.map(tagLinks)}</ul>
</nav>
`;
}

function tagLinks({ endpoints, name }: TagSection): Html {
  return html`<li class="group"><a href="#${tagAnchor(name)}">${name}</a>
<ul>
${endpoints.map(({ id, summary }) => link(anchor(id), summary))}</ul></li>
`;
}

function link(id: string, title: string): Html {
  return html`<li><a href="#${id}">${title}</a></li>
`;
}
