import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { Agent } from 'undici';
import { afterEach, expect, it } from 'vitest';
import { createClient } from '../support/client.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { ok } from '../support/factories.ts';
import { endLaunched, makeTempDir, type ServerProcess, startServerProcess } from '../support/process.ts';
import { exchange, type Target } from './exchange.ts';
import { settle } from './fuzz-world.ts';
import { createKnownIds } from './known-ids.ts';
import { createMixer } from './mixed-requests.ts';
import { readDocument } from './operations.ts';
import { seededRandom } from './worst-inputs.ts';

/**
 * A great many requests of every kind to a server process of its own: whatever comes, no answer is a 5xx, has an
 * undeclared status or breaks its schema; no request takes a second of CPU time; and the process does not grow.
 *
 * FUZZ_REQUESTS says how many, FUZZ_SEED repeats a run (as far as requests that are sent together can be repeated).
 */
const seed = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31));
const count = Number(process.env.FUZZ_REQUESTS ?? 1500);
const together = 32;
/** A hundredth of a second for each request, and a quarter of an hour. */
const timeoutMs = count * 10 + 900_000;
const requestsPerWorld = 2000;
/** The part, at the end, that uses live keys too: beside them, test keys get a fifth of the server's time (decision 0031). */
const liveShare = 0.1;
const mostCpuMs = 1000;
const mostGrowth = 1.5;
/** The start is what the process holds after this part of the requests: caches, pools and compiled code are there. */
const warmUp = 0.1;
/** Fewer requests than this say nothing of growth. */
const enoughForGrowth = 20_000;
const sampleMs = 500;

interface Load {
  readonly residentBytes: number;
  readonly longestCpuMs: number;
}

let directory: { path: string; remove(): Promise<void> } | undefined;
let database: TestDatabase | undefined;
let agent: Agent | undefined;
afterEach(async () => {
  await agent?.destroy();
  await endLaunched();
  await database?.drop();
  await directory?.remove();
});

async function startMeasured(loadFile: string): Promise<ServerProcess> {
  const preload = pathToFileURL(join(import.meta.dirname, '../support/report-load.mjs')).href;
  return startServerProcess({
    args: ['--data-dir', directory?.path ?? '', '--rate-limit', 'off'],
    env: {
      DATABASE_URL: database?.servingUrl ?? '',
      LOAD_FILE: loadFile,
      NODE_OPTIONS: `--import ${preload}`,
      OPENLEDGER_LOG_LEVEL: 'error',
    },
  });
}

it('change nothing about the server', { timeout: timeoutMs }, async () => {
  directory = await makeTempDir();
  database = await createDatabase();
  const loadFile = join(directory.path, 'load.json');
  const server = await startMeasured(loadFile);
  agent = new Agent({ connections: together });
  const document = await readDocument(server.url);
  const keys = { test: server.testKey ?? '', live: server.liveKey ?? '' };
  const target: Target = { url: server.url, agent, ids: createKnownIds(document), keys };
  const api = await createClient(server.url, keys.test);
  const random = seededRandom(seed);
  const next = createMixer(document, seed, random);
  const statuses = new Map<number, number>();
  const sizes: { readonly sent: number; readonly bytes: number }[] = [];
  let sent = 0;
  let longestCpuMs = 0;
  let settling: Promise<void> = settle(api, document, target);
  const startMs = performance.now();

  const worker = async (): Promise<void> => {
    while (sent < count) {
      sent += 1;
      if (sent % requestsPerWorld === 0) settling = settle(api, document, target).catch(unlessReset);
      await settling;
      const status = await exchange(target, next(sent > count * (1 - liveShare)));
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  };
  let isOver = false;
  const watch = (async () => {
    while (!isOver) {
      await sleep(sampleMs);
      const load = (await readFile(loadFile, 'utf8').then(JSON.parse, () => undefined)) as Load | undefined;
      if (!load) continue;
      longestCpuMs = load.longestCpuMs;
      sizes.push({ sent, bytes: load.residentBytes });
    }
  })();
  try {
    await Promise.all(Array.from({ length: together }, worker));
  } finally {
    isOver = true;
    await watch;
  }
  const seconds = (performance.now() - startMs) / 1000;
  const start = median(sizes.filter((one) => one.sent >= count * warmUp && one.sent < count * 2 * warmUp));
  const greatest = median(sizes.filter((one) => one.sent >= count * (1 - warmUp)));
  const growth = greatest / start;
  const byStatus = [...statuses].sort(([one], [other]) => one - other).map((pair) => pair.join(': '));
  const resident =
    count < enoughForGrowth
      ? ''
      : `resident ${mib(start)} MiB after the first ${warmUp * 100} %, ${mib(greatest)} MiB at the end: ` +
        `${growth.toFixed(2)} times; `;
  process.stdout.write(
    `fuzz: FUZZ_SEED=${seed}, ${sent} requests in ${seconds.toFixed(0)} s (${byStatus.join(', ')})\n` +
      `fuzz: ${resident}most CPU time without a pause ${longestCpuMs.toFixed(0)} ms\n`,
  );
  expect(longestCpuMs).toBeGreaterThan(0);
  expect(longestCpuMs).toBeLessThan(mostCpuMs);
  if (count >= enoughForGrowth) expect(growth).toBeLessThan(mostGrowth);
  expect(await ok(api.get('/v1/ledger/verify'))).toMatchObject({ ok: true, problems: [] });
  expect(server.stderr()).toBe('');
});

/** What is being settled can be reset by a request that is under way. */
function unlessReset(error: Error): void {
  if (!/_not_found|sandbox_reset|kyc_required|insufficient_funds/.test(error.message)) throw error;
}

function median(sizes: readonly { readonly bytes: number }[]): number {
  const sorted = sizes.map(({ bytes }) => bytes).sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function mib(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0);
}
