import { type Html, html, verbatim } from '../../platform/html.ts';
import { type OpenApiDocument, type TagSection, tagSections } from './document.ts';
import { errorsSection } from './errors.ts';
import { eventTypesSection } from './event-types.ts';
import { eventsSection } from './events.ts';
import { firstStepsSection } from './first-steps.ts';
import { markdown } from './markdown.ts';
import { menuAnchor, navigation } from './navigation.ts';
import { tagSection } from './operation.ts';
import { type SandboxValue, sandboxSection } from './sandbox-values.ts';
import { style } from './style.css.ts';
import { webhooksSection } from './webhooks.ts';

/** Renders the whole page. */
export function page(
  document: OpenApiDocument,
  publicUrl: string,
  sandboxValues: readonly SandboxValue[],
): Html {
  const sections = tagSections(document);
  const title = document.info?.title ?? 'API';
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} documentation</title>
<style>${verbatim(style)}</style>
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<header class="bar"><a href="#overview">${title}</a><a class="open" href="#${menuAnchor}">Menu</a></header>
<div class="frame">
${navigation(sections)}
${content(document, publicUrl, sandboxValues, sections)}
</div>
</body>
</html>
`;
}

function content(
  document: OpenApiDocument,
  publicUrl: string,
  sandboxValues: readonly SandboxValue[],
  sections: readonly TagSection[],
): Html {
  const shared = new Set(sections.flatMap(({ objects }) => objects.map(({ name }) => name)));
  return html`<main id="content" tabindex="-1">
${overview(document, publicUrl)}
${firstStepsSection(publicUrl)}
${webhooksSection()}
${eventTypesSection({ document, publicUrl, shared })}
${eventsSection()}
${sandboxSection(sandboxValues)}
${errorsSection(publicUrl)}
${sections.map((section) => tagSection({ document, publicUrl, shared }, section))}
</main>`;
}

function overview({ info }: OpenApiDocument, publicUrl: string): Html {
  return html`<section id="overview" class="prose">
<h1>${info?.title ?? 'API'} <small>${info?.version}</small></h1>
<p>Base URL: <code>${publicUrl}</code></p>
${markdown(info?.description ?? '', 2)}
</section>
`;
}
