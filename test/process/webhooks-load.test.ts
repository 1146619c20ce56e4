import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { Agent } from 'undici';
import { afterAll, expect, test } from 'vitest';
import { type LoadReceiver, percentile, startLoadReceivers } from '../support/load/receivers.ts';
import { type Caller, createCaller, waitUntil } from '../support/load.ts';
import { endLaunched, makeTempDir, type ServerProcess, startServerProcess } from '../support/process.ts';

/**
 * Events at a steady rate to receivers of which some are down, slow and flapping, while the server is killed.
 * `npm run soak -- webhooks` is the long form.
 */
const events = Number(process.env.LOAD_EVENTS ?? 1500);
const perSecond = Number(process.env.LOAD_RATE ?? 150);
const kills = Number(process.env.LOAD_KILLS ?? 1);
const slowMs = 10_000;
const flapMs = 5000;
const clients = 16;
/** What a killed server had claimed is claimed again after 30 s. */
const calmMs = 90_000;

let directory: { path: string; remove(): Promise<void> };
let receivers: LoadReceiver[] = [];
let server: ServerProcess;
let agent = new Agent();
let testKey = '';
afterAll(async () => {
  await endLaunched();
  for (const receiver of receivers) await receiver.close();
  await agent.destroy();
  await directory.remove();
});

const say = (text: string) => process.stderr.write(`webhooks load: ${text}\n`);

async function start(): Promise<Caller> {
  await agent.destroy();
  agent = new Agent({ connections: clients, headersTimeout: 20_000, bodyTimeout: 20_000 });
  const dataDir = join(directory.path, 'data');
  server = await startServerProcess({
    args: ['--data-dir', dataDir, '--rate-limit', 'off', '--log-level', 'error'],
  });
  testKey ||= server.testKey ?? '';
  return createCaller(server.url, testKey, agent);
}

const body = (key: string) => ({ email: `${key}@example.com`, firstName: 'Ada', lastName: 'Lovelace' });

/** Makes customers at the rate; what a killed server leaves unanswered is sent again with its key. */
async function makeEvents(callerNow: () => Promise<Caller>, onMade: (count: number) => void): Promise<void> {
  let next = 0;
  let made = 0;
  const startedMs = performance.now();
  const client = async (): Promise<void> => {
    for (let number = next++; number < events; number = next++) {
      const dueMs = startedMs + (number / perSecond) * 1000 - performance.now();
      if (dueMs > 0) await sleep(dueMs);
      const key = `load-${number}`;
      for (;;) {
        const caller = await callerNow();
        const answer = await caller.post('/v1/customers', body(key), key).catch(() => undefined);
        if (answer?.status === 200) break;
        await sleep(50);
      }
      made += 1;
      onMade(made);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
}

/** What the queue and the list of deliveries hold for each webhook. */
async function readBooks(webhookIds: readonly string[]) {
  const client = new Client(server.databaseUrl);
  await client.connect();
  const ids = await client.query<{ id: string }>('select id from events');
  const books: Set<string>[] = [];
  for (const id of webhookIds) {
    const queued = await client.query('select event_id from delivery_queue where webhook_id = $1', [id]);
    const ended = await client.query(
      'select distinct event_id from deliveries where webhook_id = $1 and next_attempt_at is null',
      [id],
    );
    books.push(new Set([...queued.rows, ...ended.rows].map((row) => row.event_id as string)));
  }
  await client.end();
  return { eventIds: ids.rows.map(({ id }) => id), books };
}

test(
  `${events} events reach every healthy receiver, through ${kills} kills of the server`,
  async () => {
    directory = await makeTempDir();
    receivers = await startLoadReceivers(slowMs, flapMs);
    let caller = start();
    const webhookIds: string[] = [];
    for (const { url } of receivers) {
      const { text } = await (await caller).post('/v1/webhooks', { url, events: ['customer.*'] });
      webhookIds.push(JSON.parse(text).data.id);
    }
    const killAt = Array.from({ length: kills }, (_, index) =>
      Math.floor(((index + 1) * events) / (kills + 1)),
    );
    let restarted = Promise.resolve();
    await makeEvents(
      () => caller,
      (made) => {
        if (made % Math.ceil(events / 20) === 0) say(`${made} of ${events} events made`);
        if (!killAt.includes(made)) return;
        say('SIGKILL');
        const killed = server;
        restarted = killed.stop('SIGKILL').then(() => undefined);
        caller = restarted.then(start);
      },
    );
    await restarted;
    const healthy = receivers.filter(({ name }) => name.startsWith('healthy'));
    const hasAll = () => healthy.every(({ accepted }) => accepted.size >= events);
    await waitUntil(hasAll, calmMs);
    await sleep(500);
    const { books, eventIds } = await readBooks(webhookIds);
    expect(eventIds).toHaveLength(events);
    receivers.forEach((receiver, index) => {
      const book = books[index] ?? new Set();
      // Nothing is lost: an event that is neither queued nor ended would be in no book.
      expect(
        eventIds.filter((id) => !book.has(id)),
        receiver.name,
      ).toEqual([]);
      const late = percentile(receiver.firstSeenMs.values(), 0.99);
      say(
        `${receiver.name}: ${receiver.accepted.size} accepted, ${receiver.requests()} requests, p99 ${late} ms`,
      );
    });
    for (const { accepted, firstSeenMs, name } of healthy) {
      expect(
        eventIds.filter((id) => !accepted.has(id)),
        name,
      ).toEqual([]);
      const figures = [0.5, 0.95, 0.99, 1].map((part) => percentile(firstSeenMs.values(), part));
      say(`${name}: first attempts after p50, p95, p99, max ${figures.join(', ')} ms`);
    }
    expect((await server.stop()).code).toBe(0);
    const p99 = Math.max(...healthy.map(({ firstSeenMs }) => percentile(firstSeenMs.values(), 0.99)));
    // A kill holds up what was claimed and what came while the server started: many, where there are few events in all.
    if (events >= 20_000 || kills === 0) expect(p99).toBeLessThan(1000);
    else expect(percentile(healthy[0]?.firstSeenMs.values() ?? [], 0.5)).toBeLessThan(1000);
  },
  300_000 + (events / perSecond) * 2000 + kills * 60_000,
);
