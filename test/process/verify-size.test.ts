import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { Agent, request } from 'undici';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createVault } from '../../server/src/platform/seal.ts';
import { authenticateRows } from '../../server/src/store/authenticate-rows.ts';
import { createPool, type Pool } from '../../server/src/store/pool.ts';
import { createRowGuard } from '../../server/src/store/row-guard.ts';
import { writeBooks } from '../support/books.ts';
import { createDatabase } from '../support/database.ts';
import {
  endLaunched,
  launch,
  makeTempDir,
  type ServerProcess,
  startServerProcess,
} from '../support/process.ts';

/**
 * `openledger verify` and `GET /v1/ledger/verify` read any number of postings with the same memory. The long form,
 * `npm run soak -- verify`, shows it with `VERIFY_POSTINGS`.
 */
const postings = Number(process.env.VERIFY_POSTINGS ?? 160_000);
/** By then Node's heap has grown to what pages and collected garbage take. */
const comparedWith = Math.min(postings, 40_000);
const isLong = process.env.VERIFY_POSTINGS !== undefined;
const lanes = 2;
const masterKey = randomBytes(32);
/** What more history may cost at most. A command that read a chain in one page took 79 MiB for 120,000 postings more. */
const growthMib = 60;
const greatestMib = 256;

const root = join(import.meta.dirname, '../..');
const preload = pathToFileURL(join(root, 'test/support/report-memory.mjs')).href;

let directory: { path: string; remove(): Promise<void> };
beforeAll(async () => {
  directory = await makeTempDir();
});
afterAll(async () => {
  await endLaunched();
  await directory.remove();
});

/** What a verification took. */
interface Cost {
  readonly seconds: number;
  /** The greatest resident size of the verifying process. */
  readonly processMib: number;
  /** What the connection's process and its helpers had of their own at most; undefined where `/proc` does not tell. */
  readonly databaseMib: number | undefined;
}

interface Figures {
  readonly postings: number;
  readonly command: Cost;
  readonly http: Cost;
}

/** Writes so many postings, and verifies them by the command line tool and over HTTP. */
async function verifyAt(count: number): Promise<Figures> {
  const database = await createDatabase();
  const pool = createPool(database.url, 'books');
  pool.guard = createRowGuard(createVault(masterKey), () => undefined);
  // As the role whose processes are watched: much of what others do is hidden.
  const watcher = createPool(database.servingUrl, 'watcher');
  try {
    const server = await startServerProcess({
      args: ['--lanes', String(lanes), '--log-level', 'error'],
      env: {
        DATABASE_URL: database.servingUrl,
        OPENLEDGER_MASTER_KEY: masterKey.toString('hex'),
        ...reporting(`server-${count}`),
      },
      cwd: directory.path,
    });
    const written = await fill(pool, count);
    const command = await costOf(watcher, 'openledger command', `command-${count}`, () =>
      verifyByCommand(database.servingUrl, `command-${count}`, written),
    );
    const http = await costOf(watcher, 'openledger test', `server-${count}`, () =>
      verifyOverHttp(server, written),
    );
    return { postings: written, command, http };
  } finally {
    await endLaunched();
    await watcher.end();
    await pool.end();
    await database.drop();
  }
}

/** Fills the sandbox's books. */
async function fill(pool: Pool, count: number): Promise<number> {
  const { rows } = await pool.query<{ current_id: string }>(
    `select current_id from environments where kind = 'test'`,
  );
  const startedMs = Date.now();
  let toldMs = startedMs;
  const written = await writeBooks(pool, rows[0]?.current_id ?? '', count, lanes, (done) => {
    if (!isLong || Date.now() - toldMs < 10_000) return;
    toldMs = Date.now();
    console.log(`${done} postings after ${Math.round((toldMs - startedMs) / 1000)} s`);
  });
  await authenticateRows(pool);
  await pool.query('set statement_timeout = 0; analyze');
  return written;
}

/**
 * The preload that writes a process's greatest size to a file at its end. The small heap makes Node collect its garbage
 * early: when it would otherwise choose to differs by more from one run to the next than history may cost.
 */
function reporting(name: string): Record<string, string> {
  const heap = '--max-old-space-size=96 --max-semi-space-size=2';
  return { NODE_OPTIONS: `--import ${preload} ${heap}`, MEMORY_FILE: join(directory.path, name) };
}

async function verifyByCommand(databaseUrl: string, name: string, written: number): Promise<void> {
  const verifier = launch(process.execPath, {
    args: [join(root, 'cli/bin/openledger.mjs'), 'verify'],
    env: {
      DATABASE_URL: databaseUrl,
      OPENLEDGER_MASTER_KEY: masterKey.toString('hex'),
      ...reporting(name),
    },
    cwd: directory.path,
  });
  const { code } = await verifier.exit(60 * 60_000);
  expect({ code, stderr: verifier.stderr() }).toEqual({ code: 0, stderr: '' });
  expectAllRead(JSON.parse(verifier.stdout()), written);
}

/** The server ends after it, so that its greatest size is known. */
async function verifyOverHttp(server: ServerProcess, written: number): Promise<void> {
  const dispatcher = new Agent({ headersTimeout: 0, bodyTimeout: 0 });
  const headers = { authorization: `Bearer ${server.testKey}` };
  const answer = await request(`${server.url}/v1/ledger/verify`, { headers, dispatcher });
  const { data } = (await answer.body.json()) as { data: object };
  expectAllRead(data, written);
  await dispatcher.destroy();
  expect((await server.stop()).code).toBe(0);
}

function expectAllRead(found: object, written: number): void {
  expect(found).toMatchObject({ ok: true, problems: [], checked: { postings: written } });
  expect((found as { head: unknown[] }).head).toHaveLength(lanes);
}

async function costOf(
  pool: Pool,
  connections: string,
  memoryFile: string,
  work: () => Promise<void>,
): Promise<Cost> {
  let isOver = false;
  const database = watchBackends(pool, connections, () => isOver);
  const startedMs = performance.now();
  try {
    await work();
  } finally {
    isOver = true;
  }
  const seconds = Math.round((performance.now() - startedMs) / 100) / 10;
  const databaseKib = await database;
  const processKib = Number(await readFile(join(directory.path, memoryFile), 'utf8'));
  return {
    seconds,
    processMib: Math.round(processKib / 1024),
    databaseMib: databaseKib === undefined ? undefined : Math.round(databaseKib / 1024),
  };
}

/** Looks again and again what memory of their own the database's processes of a program have. @returns the most */
async function watchBackends(
  pool: Pool,
  connections: string,
  isOver: () => boolean,
): Promise<number | undefined> {
  let greatest: number | undefined;
  while (!isOver()) {
    const { rows } = await pool.query<{ pid: number }>(
      `select pid from pg_stat_activity a where datname = current_database() and $1 in
        (application_name, (select application_name from pg_stat_activity l where l.pid = a.leader_pid))`,
      [connections],
    );
    const sizes = await Promise.all(rows.map(({ pid }) => anonymousKib(pid)));
    const sum = sizes.reduce<number>((total, size) => total + (size ?? 0), 0);
    if (sum > 0) greatest = Math.max(greatest ?? 0, sum);
    await sleep(100);
  }
  return greatest;
}

async function anonymousKib(pid: number): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const kib = /RssAnon:\s+(\d+) kB/.exec(status)?.[1];
  return kib === undefined ? undefined : Number(kib);
}

it(
  `verification of ${postings} postings needs no more memory than that of ${comparedWith}`,
  async () => {
    const small = await verifyAt(comparedWith);
    console.log(`verify: ${JSON.stringify(small)}`);
    const large = await verifyAt(postings);
    console.log(`verify: ${JSON.stringify(large)}`);
    for (const way of ['command', 'http'] as const) {
      expect(large[way].processMib - small[way].processMib, way).toBeLessThan(growthMib);
      expect(large[way].processMib, way).toBeLessThan(greatestMib);
    }
  },
  isLong ? 4 * 60 * 60_000 : 180_000,
);
