import { type Html, html } from '../../platform/html.ts';
import { limits } from '../../platform/limits.ts';
import { codeBlock } from './operation.ts';

/** How a program reads on from a cursor. It is tested against the server. */
export const readSnippet = `// cursor: 'start' at first, later what this returned
export async function readOn(url, key, cursor, handle) {
  for (;;) {
    const answer = await fetch(url + '/v1/events?order=oldest&limit=100&cursor=' + cursor, {
      headers: { authorization: 'Bearer ' + key },
    });
    const { data, error, nextCursor, ok } = await answer.json();
    if (!ok) throw new Error(error.message);
    for (const event of data) await handle(event);
    if (nextCursor === cursor) return cursor; // nothing more for now
    cursor = nextCursor; // keep it with what you have done
  }
}`;

/** Renders how to read events without webhooks. */
export function eventsSection(): Html {
  return html`<section id="reading-events" class="prose">
<h2>Reading events</h2>
<p>What webhooks receive can be read as well: to look something up, to catch up, or instead of them.</p>
<h3>Look something up</h3>
<p><code>GET /v1/events</code> lists events, newest first. <code>type</code>, <code>customerId</code>,
<code>objectId</code>, <code>createdAfter</code> and <code>createdBefore</code> narrow it.</p>
<h3>Miss nothing</h3>
<p>With <code>order=oldest</code> the list is read forward. <code>nextCursor</code> is always there: ask again with it
for what has come since. It holds a place in each part of the ledger that is written by itself, so whoever has read up
to it has missed nothing before it, and meets nothing twice. <code>cursor=end</code> begins with what comes from now
on. Events of one customer keep their order.</p>
${codeBlock('Node.js', readSnippet)}
<h3>As it happens</h3>
<p><code>GET /v1/events/stream</code> sends the same as
<a href="https://html.spec.whatwg.org/multipage/server-sent-events.html">server-sent events</a>: <code>id</code> is the
cursor, <code>event</code> the type, <code>data</code> the event. <code>types=customer.*,wallet.created</code> chooses.
It begins at <code>cursor</code>, or now; a client that comes back with <code>Last-Event-ID</code> goes on where it was.
After ${limits.eventStreamMs / 60_000} minutes the server ends it: come back. A stream also ends within seconds after its
key is revoked or its sandbox is reset; its last comment, such as <code>: closing key_revoked</code>, says why. Up to
${limits.eventStreamsPerEnvironment} can be open at once.</p>
</section>
`;
}
