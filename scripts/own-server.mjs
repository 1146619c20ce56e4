/** A server of one's own for a while, which leaves nothing behind. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { root } from './checkout.mjs';

/**
 * Starts a server, lets something be done with it, and stops it.
 *
 * @param use is given what the server says when it is ready: `url`, `testKey` and so on
 * @param flags more flags for `npm start`
 */
export async function withOwnServer(use, flags = []) {
  const server = spawn(
    process.execPath,
    [
      join(root, 'scripts/start.mjs'),
      '--json',
      '--ephemeral',
      '--port',
      '0',
      '--log-level',
      'error',
      ...flags,
    ],
    { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const ended = once(server, 'close');
  try {
    return await use(await whenReady(server));
  } finally {
    server.kill('SIGTERM');
    await ended;
  }
}

async function whenReady(server) {
  for await (const line of createInterface({ input: server.stdout })) return JSON.parse(line);
  throw new Error('The server ended before it was ready. The error is printed above.');
}
