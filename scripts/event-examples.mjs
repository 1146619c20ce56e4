/**
 * `npm run events:examples`: has a server write an event of every type, and keeps them as the examples of the
 * documentation, in server/data/event-examples.json. A test says when they are no longer like what a server writes. Then
 * run `npm run openapi`, which shows them.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './checkout.mjs';
import { playEveryEvent } from './event-examples/play.mjs';
import { withOwnServer } from './own-server.mjs';
import { prepare } from './prepare.mjs';

const publicUrl = 'https://ledger.example.com';

await prepare('run');
await withOwnServer(
  async ({ testKey, url }) => {
    const events = await playEveryEvent((method, path, body) => call(url, testKey, method, path, body));
    const sorted = Object.fromEntries(Object.entries(events).sort(([a], [b]) => (a < b ? -1 : 1)));
    const file = 'server/data/event-examples.json';
    writeFileSync(join(root, file), `${JSON.stringify(sorted, null, 2)}\n`);
    process.stdout.write(`${file}: ${Object.keys(sorted).length} events\n`);
  },
  ['--public-url', publicUrl, '--sandbox-step-ms', '3600000'],
);

async function call(url, key, method, path, body) {
  const answer = await fetch(url + path, {
    method,
    headers: { authorization: `Bearer ${key}`, ...(body ? { 'content-type': 'application/json' } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  const { data, error, ok } = /** @type {any} */ (await answer.json());
  if (!ok) throw new Error(`${method} ${path}: ${error.message}`);
  return data;
}
