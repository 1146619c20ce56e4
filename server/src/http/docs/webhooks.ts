import { type Html, html } from '../../platform/html.ts';
import { limits } from '../../platform/limits.ts';
import { nextAttemptDelayMs } from '../../webhooks/retry.ts';
import { codeBlock } from './operation.ts';

/** How a receiver checks a delivery, in Node. It is tested against what the server sends. */
export const verifySnippet = `import { createHmac, timingSafeEqual } from 'node:crypto';

// rawBody: the body exactly as it arrived, before anything has parsed it
export function isGenuine(rawBody, signatureHeader, secret) {
  const parts = signatureHeader.split(',').map((part) => part.split('='));
  const t = parts.find(([name]) => name === 't')?.[1];
  if (!(Math.abs(Date.now() / 1000 - Number(t)) < 300)) return false; // older than 5 minutes
  const expected = createHmac('sha256', secret).update(t + '.').update(rawBody).digest();
  return parts.some(([name, hex]) => {
    const given = Buffer.from(hex ?? '', 'hex');
    return name === 'v1' && given.length === expected.length && timingSafeEqual(given, expected);
  });
}`;

/** The same with the Standard Webhooks headers and no library. It is tested against what the server sends. */
export const standardSnippet = `import { createHmac, timingSafeEqual } from 'node:crypto';

// headers: with names in lower case; the key is what follows whsec_, decoded from base64
export function isStandard(rawBody, headers, secret) {
  const t = headers['webhook-timestamp'];
  if (!(Math.abs(Date.now() / 1000 - Number(t)) < 300)) return false;
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
  const expected = createHmac('sha256', key)
    .update(headers['webhook-id'] + '.' + t + '.').update(rawBody).digest();
  return headers['webhook-signature'].split(' ').some((signature) => {
    const [version, base64 = ''] = signature.split(',');
    const given = Buffer.from(base64, 'base64');
    return version === 'v1' && given.length === expected.length && timingSafeEqual(given, expected);
  });
}`;

/** Renders how to receive webhooks. */
export function webhooksSection(): Html {
  return html`<section id="receiving-webhooks" class="prose">
<h2>Receiving webhooks</h2>
<p>Events are sent by POST as JSON: <code>id</code>, <code>type</code>, <code>createdAt</code>,
<code>data</code>, which is what the matching GET returned when the event was written, and of a change
<code>previousAttributes</code>, what it was before (<a href="#event-types">types of events</a>). Answer with any 2xx
status within ${limits.deliveryTimeoutMs / 1000} seconds. Redirects are not followed.</p>
<p>An event can arrive more than once and out of order: keep the <code>id</code>s that you have handled.</p>
<h3>On your own machine</h3>
<p><code>npx openledger listen --forward-to localhost:3000/hooks</code> posts events to a program that the server cannot
reach, signed with a secret that it shows. <code>npx openledger trigger transaction.completed</code> causes one.</p>
<h3>Verify the signature</h3>
<p><code>X-Ledger-Signature</code> is <code>t=…,v1=…</code>: the time in Unix seconds, and the HMAC-SHA-256,
in hex, of the time, a dot and the raw body. The key is the webhook’s whole <code>secret</code>,
<code>whsec_</code> included. There can be more than one <code>v1</code>: accept the delivery when any of
them is right.</p>
${codeBlock('Node.js', verifySnippet)}
<p>The event’s id and type also come as <code>X-Ledger-Event-Id</code> and <code>X-Ledger-Event-Type</code>.
Every delivery has the <a href="https://www.standardwebhooks.com/">Standard Webhooks</a> headers as well
(<code>webhook-id</code>, <code>webhook-timestamp</code>, <code>webhook-signature</code>), so that its
libraries verify it with the same secret. Without one:</p>
${codeBlock('Node.js', standardSnippet)}
<h3>Change the secret</h3>
<p>Rotate it (<code>POST …/rotate-secret</code>), then give the new one to your receiver: for
${limits.secretOverlapSeconds / 3600} hours deliveries are signed with both, one <code>v1</code> for each in either
style. Has it leaked, rotate with <code>overlapSeconds</code> 0.</p>
<h3>Retries</h3>
<p>A delivery that fails is tried again, ${limits.deliveryAttempts} attempts in all. Each wait varies by up
to 10 %, and is longer when the answer asks for that with <code>Retry-After</code>.</p>
<table class="narrow">
<thead><tr><th scope="col">Attempt</th><th scope="col">Wait before it</th></tr></thead>
<tbody>
${Array.from({ length: limits.deliveryAttempts }, (_, index) => retryRow(index + 1))}</tbody>
</table>
<p>An answer of 410, or five days of nothing but failure, disables the webhook; its <code>disabledReason</code> says so.
Enable it again by its <code>status</code>, and replay what it has missed (<code>POST …/replay</code>). A receiver
that fails ${limits.deliveryFailuresUntilPaced} times in a row is tried ${limits.deliveryPacedPerSecond} times a second until
it succeeds once. <code>maxConcurrency</code> and <code>maxPerSecond</code> protect a small one.</p>
</section>
`;
}

function retryRow(attempt: number): Html {
  const delayMs = attempt === 1 ? null : nextAttemptDelayMs(attempt - 1, null, () => 0.5);
  return html`<tr><th scope="row">${attempt}</th><td>${delayMs === null ? 'none' : duration(delayMs)}</td></tr>
`;
}

function duration(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds} s`;
  return seconds < 3600 ? `${seconds / 60} min` : `${seconds / 3600} h`;
}
