/**
 * `npm run openapi`: writes the documents that the server serves, openapi.json and events.schema.json, where they are
 * committed. Tests compare them.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './checkout.mjs';
import { withOwnServer } from './own-server.mjs';
import { prepare } from './prepare.mjs';

/** Where the committed document says the server is: the default address. */
const shownUrl = 'http://localhost:4000';

await prepare('run');
await withOwnServer(async ({ url }) => {
  const document = /** @type {any} */ (await (await fetch(`${url}/openapi.json`)).json());
  document.servers[0].url = shownUrl;
  write('openapi.json', document, `${Object.keys(document.paths).length} paths`);
  const events = /** @type {any} */ (await (await fetch(`${url}/events.schema.json`)).json());
  write('events.schema.json', events, `${events.oneOf.length} types of events`);
});

function write(name, document, said) {
  writeFileSync(join(root, name), `${JSON.stringify(document, null, 2)}\n`);
  process.stdout.write(`${name}: ${said}\n`);
}
