import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestServer } from './server.ts';

/** Examples of the documentation, run in a shell as readers run them. */

const root = join(import.meta.dirname, '../..');

/**
 * What a reader's shell has: `curl` also writes each response to a file, `npm start` and `npx openledger` are the built
 * programs, and the first failure ends the script.
 */
const prelude = `set -euo pipefail
curl() { command curl "$@" | tee -a "$ANSWERS"; echo >> "$ANSWERS"; }
npm() { [ "$1 $2" = 'start --' ]; shift 2; exec env -u DATABASE_URL -u OPENLEDGER_MASTER_KEY node "$ROOT/scripts/start.mjs" "$@"; }
npx() { [ "$1" = openledger ]; shift; node "$ROOT/cli/bin/openledger.mjs" "$@"; }
`;

/** What came of a script. */
interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** The responses that curl received, one a line. */
  readonly answers: readonly string[];
}

/**
 * Runs a script of the documentation in bash, with the server's URLs, test key and database.
 *
 * @param directory an empty directory of the caller's, in which the script runs
 */
export async function runExamples(script: string, server: TestServer, directory: string): Promise<Outcome> {
  const answersFile = join(directory, 'answers');
  const own = script
    .replaceAll('http://localhost:4000', server.app.url)
    .replaceAll('http://localhost:9401', server.app.adminUrl ?? '');
  const child = spawn('bash', ['-c', prelude + own], {
    cwd: directory,
    env: {
      PATH: process.env.PATH,
      HOME: directory,
      ROOT: root,
      KEY: server.testKey,
      ANSWERS: answersFile,
      DATABASE_URL: server.servingUrl,
      OPENLEDGER_MASTER_KEY: server.masterKey,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const text = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      text[name] += chunk;
    });
  }
  const [code] = await once(child, 'close');
  return { code, ...text, answers: readLines(answersFile) };
}

function readLines(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n').filter(Boolean);
  } catch {
    return [];
  }
}
