import { errorStatus } from '../../platform/errors.ts';
import { type Html, html, joined } from '../../platform/html.ts';
import { inlineMarkdown } from './markdown.ts';
import { codeBlock } from './operation.ts';
import { codeMeanings, type ReasonEntry, reasons } from './reasons.ts';

/** Renders what can go wrong. Every reason has the anchor that `docUrl` of an error points to. */
export function errorsSection(publicUrl: string): Html {
  return html`<section id="errors" class="prose">
<h2>Errors</h2>
<p>A failure has one of six codes. <code>reason</code> says more exactly what happened; it never changes its
meaning, so programs can rely on it. <code>message</code> is for people and may change.</p>
${codeBlock('An error', exampleError(publicUrl))}
<h3>Codes</h3>
<table>
<thead><tr><th scope="col">Code</th><th scope="col">Status</th><th scope="col">Meaning</th></tr></thead>
<tbody>
${codeMeanings.map(
  ([code, meaning]) => html`<tr><th scope="row"><code>${code}</code></th><td>${errorStatus[code]}</td>
<td>${inlineMarkdown(meaning)}</td></tr>
`,
)}</tbody>
</table>
<h3>Reasons</h3>
<table>
<thead><tr><th scope="col">Reason</th><th scope="col">Meaning, and what to do</th></tr></thead>
<tbody>
${reasons.map(reasonRow)}</tbody>
</table>
</section>
`;
}

function reasonRow({ codes, meaning, reason, whatToDo }: ReasonEntry): Html {
  const statuses = joined(
    codes.map((code) => `${errorStatus[code]} ${code}`),
    ', ',
  );
  return html`<tr id="error-${reason}"><th scope="row"><code>${reason}</code><small>${statuses}</small></th>
<td>${inlineMarkdown(meaning)} <span class="todo">${inlineMarkdown(whatToDo)}</span></td></tr>
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
