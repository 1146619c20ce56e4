/**
 * `npm run openapi`: writes the document that the server serves to openapi.json, where it is committed. A test compares
 * the two. Starts a server of its own, which leaves nothing behind.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { root } from './prepare.mjs';

/** Where the committed document says the server is: the default address. */
const shownUrl = 'http://localhost:4000';

const server = spawn(
  process.execPath,
  [join(root, 'scripts/start.mjs'), '--json', '--ephemeral', '--port', '0'],
  { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] },
);
const ended = once(server, 'close');
try {
  const document = await (await fetch(`${await servedAt()}/openapi.json`)).json();
  document.servers[0].url = shownUrl;
  writeFileSync(join(root, 'openapi.json'), `${JSON.stringify(document, null, 2)}\n`);
  process.stdout.write(`openapi.json: ${Object.keys(document.paths).length} paths\n`);
} finally {
  server.kill('SIGTERM');
  await ended;
}

/** The URL of the server once it is ready. */
async function servedAt() {
  for await (const line of createInterface({ input: server.stdout })) return JSON.parse(line).url;
  throw new Error('The server ended before it was ready. What is wrong is told above.');
}
