/** Starts bare.mjs, and opens as many connections to it as the server under test has. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clients } from './fixture.mjs';
import { openConnections } from './http.mjs';
import { startScript } from './server.mjs';

/**
 * @param {Record<string, string>} answers texts by method and path
 */
export async function startBare(answers) {
  const folder = mkdtempSync(join(tmpdir(), 'openledger-bare-'));
  const file = join(folder, 'answers.json');
  writeFileSync(file, JSON.stringify(answers));
  const server = await startScript('bench/bare.mjs', [file]);
  rmSync(folder, { recursive: true });
  const connections = await openConnections(server.url, clients);
  return {
    connections,
    async stop() {
      for (const connection of connections) connection.close();
      await server.stop();
    },
  };
}
