import { errorStatus } from '../../platform/errors.ts';
import { type Html, html, joined } from '../../platform/html.ts';
import type { Markdown } from './markdown.ts';
import { codeMeanings, type ReasonEntry, reasons } from './reasons.ts';

/** Renders the codes and reasons of errors. The anchor of each reason is what `docUrl` of an error points to. */
export function errorsSection(markdown: Markdown, publicUrl: string): Html {
  return html`<section id="errors" class="prose">
<h2>Errors</h2>
<p>An error has one of six codes. <code>reason</code> is more specific and stable: programs can rely on it.
<code>message</code> is for people and can change.</p>
<figure><figcaption>An error</figcaption><pre><code>${exampleError(publicUrl)}</code></pre></figure>
<h3>Codes</h3>
<table>
<thead><tr><th scope="col">Code</th><th scope="col">Status</th><th scope="col">Meaning</th></tr></thead>
<tbody>
${codeMeanings.map(
  ([code, meaning]) => html`<tr><th scope="row"><code>${code}</code></th><td>${errorStatus[code]}</td>
<td>${markdown.renderInline(meaning)}</td></tr>
`,
)}</tbody>
</table>
<h3>Reasons</h3>
<table>
<thead><tr><th scope="col">Reason</th><th scope="col">Meaning, and what to do</th></tr></thead>
<tbody>
${reasons.map((entry) => reasonRow(markdown, entry))}</tbody>
</table>
</section>
`;
}

function reasonRow(markdown: Markdown, { codes, meaning, reason, whatToDo }: ReasonEntry): Html {
  const statuses = joined(
    codes.map((code) => `${errorStatus[code]} ${code}`),
    ', ',
  );
  return html`<tr id="error-${reason}"><th scope="row"><code>${reason}</code><small>${statuses}</small></th>
<td>${markdown.renderInline(meaning)} <span class="remedy">${markdown.renderInline(whatToDo)}</span></td></tr>
`;
}

function exampleError(publicUrl: string): string {
  const error = {
    code: 'INVALID_REQUEST',
    message: '`amount` must be at most the available balance of 4.40 usdc.',
    reason: 'insufficient_funds',
    details: [{ path: '/amount', message: '`amount` must be at most the available balance of 4.40 usdc.' }],
    requestId: 'req_01jhmbxq7ve2r8n5d0kz3c6tga',
    docUrl: `${publicUrl}/docs#error-insufficient_funds`,
  };
  return JSON.stringify({ ok: false, error }, undefined, 2);
}
