import { type Html, html } from '../../platform/html.ts';
import { inlineMarkdown } from './markdown.ts';

/** A value that makes the sandbox do something out of the ordinary. */
export interface SandboxValue {
  /** Which field of which request has it. */
  readonly field: string;
  readonly value: string;
  /** What happens then. The last word in backticks is the status that is arrived at. */
  readonly effect: string;
}

/** Renders how the sandbox is steered, and the values that do it without extra calls. */
export function sandboxSection(values: readonly SandboxValue[]): Html {
  return html`<section id="sandbox-values" class="prose">
<h2>Steering the sandbox</h2>
<p>Left alone, sandbox transfers walk to their ordinary end by themselves within seconds. Three calls change that:
<code>POST /v1/sandbox/transactions/{transactionId}/advance</code> takes one further at once, lets it fail, or
sends it back with a code of its rail; <code>POST /v1/transfers/{transferId}/cancel</code> stops one in its review;
<code>POST /v1/sandbox/clock/advance</code> moves the clock, which returns and bank holidays follow.</p>
<p>These values do it without a call:</p>
<table class="narrow">
<thead><tr><th scope="col">Field</th><th scope="col">Value</th><th scope="col">What happens</th></tr></thead>
<tbody>
${values.map(valueRow)}</tbody>
</table>
</section>
`;
}

function valueRow({ effect, field, value }: SandboxValue): Html {
  return html`<tr><td>${inlineMarkdown(field)}</td><th scope="row"><code>${value}</code></th><td>${inlineMarkdown(effect)}</td></tr>
`;
}
