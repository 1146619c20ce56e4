/** Row `start`: from `npm start` to the first answer with 200, built, on a database that is there already. */
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from '../../scripts/checkout.mjs';
import { serverEnvironment, startServer, stopChild, track } from '../server.mjs';

const atMostSeconds = 1.5;
const pollMs = 5;

export async function start({ sizes }) {
  const folder = mkdtempSync(join(tmpdir(), 'openledger-start-'));
  // PostgreSQL, which is another user when we are root, must be able to pass through.
  chmodSync(folder, 0o711);
  const dataDir = join(folder, 'data');
  try {
    const first = await startServer({ dataDir });
    await first.stop();
    const times = [];
    for (let round = 0; round < sizes.starts; round += 1) times.push(await measureStart(dataDir));
    times.sort((a, b) => a - b);
    const seconds = times[Math.floor(times.length / 2)] / 1000;
    return [
      {
        name: 'start',
        figure: `${seconds.toFixed(2)} s`,
        baseline: `median of ${times.length}`,
        mustReach: `≤ ${atMostSeconds} s`,
        ok: seconds <= atMostSeconds,
        values: { times },
      },
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measureStart(dataDir) {
  const port = await freePort();
  const started = performance.now();
  const child = track(
    spawn(
      'npm',
      ['start', '--', '--json', '--data-dir', dataDir, '--port', String(port), '--log-level', 'error'],
      {
        cwd: root,
        env: serverEnvironment(),
        stdio: ['ignore', 'ignore', 'inherit'],
      },
    ),
  );
  while (!(await isUp(port))) {
    if (child.exitCode !== null) throw new Error(`npm start ended (${child.exitCode})`);
    await sleep(pollMs);
  }
  const tookMs = performance.now() - started;
  await stopChild(child);
  return tookMs;
}

function isUp(port) {
  return new Promise((resolve) => {
    const asked = request({ host: '127.0.0.1', port, path: '/v1/health', agent: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    });
    asked.once('error', () => resolve(false));
    asked.end();
  });
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
      server.close(() => resolve(port));
    });
  });
}
