import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Agent, request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { endLaunched, type ServerProcess, startServerProcess } from '../support/process.ts';

/**
 * No load with test keys makes live requests three times as slow. Both are measured in the same run, in turns; a server
 * process of its own answers over HTTP, and another process makes the load.
 */

const loadScript = fileURLToPath(new URL('../support/load/test-keys.mjs', import.meta.url));
const roundMs = 600;
/** How long a load is let run before it is measured. */
const warmUpMs = 250;
/** Of fewer, the slowest one in a hundred says nothing. */
const roundRequests = 250;
const rounds = 3;
/** A machine that others use at the same moment may spoil one of them. */
const attempts = 3;
const connections = 128;
const atMost = 3;

let server: ServerProcess;
let dispatcher: Agent;
let liveCustomer: string;
let testCustomer: string;
const loads: ChildProcess[] = [];

beforeAll(async () => {
  server = await startServerProcess({ args: ['--ephemeral', '--rate-limit', 'off', '--log-level', 'error'] });
  dispatcher = new Agent({ connections: 4 });
  liveCustomer = await createCustomer(server.liveKey, 'live');
  testCustomer = await createCustomer(server.testKey, 'test');
  // Something to list, to verify and to stream.
  await Promise.all(
    Array.from({ length: 16 }, async (_, client) => {
      for (let index = 0; index < 50; index += 1) await createCustomer(server.testKey, `${client}-${index}`);
    }),
  );
}, 300_000);

afterAll(async () => {
  for (const load of loads) load.disconnect();
  await dispatcher?.close();
  await endLaunched();
});

async function call(key: string | null, path: string, body?: object) {
  const answer = await request(server.url + path, {
    dispatcher,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    ...(body ? { method: 'POST', body: JSON.stringify(body) } : {}),
  });
  const text = await answer.body.text();
  expect(answer.statusCode, text).toBe(200);
  return JSON.parse(text).data;
}

async function createCustomer(key: string | null, name: string): Promise<string> {
  const person = { email: `${name}@example.com`, firstName: 'Ada', lastName: 'Lovelace' };
  return (await call(key, '/v1/customers', person)).id;
}

/** What a live client waits for 99 of 100 answers at most, in milliseconds: reads, lists and writes. */
async function liveP99(withVerify: boolean, lengthMs = roundMs, requests = roundRequests): Promise<number> {
  const timesMs: number[] = [];
  const endMs = performance.now() + lengthMs;
  const client = async (): Promise<void> => {
    for (let turn = 0; performance.now() < endMs || timesMs.length < requests; turn += 1) {
      const startedMs = performance.now();
      if (withVerify && turn % 8 === 3) await call(server.liveKey, '/v1/ledger/verify');
      else if (turn % 4 === 0) await createCustomer(server.liveKey, `${turn}`);
      else if (turn % 4 === 1) await call(server.liveKey, '/v1/customers?limit=10');
      else await call(server.liveKey, `/v1/customers/${liveCustomer}`);
      timesMs.push(performance.now() - startedMs);
    }
  };
  await Promise.all(Array.from({ length: 4 }, client));
  timesMs.sort((a, b) => a - b);
  return timesMs[Math.ceil(timesMs.length * 0.99) - 1] ?? Number.POSITIVE_INFINITY;
}

function startLoad(kind: string): { tell(message: 'start' | 'stop'): Promise<Record<string, number>> } {
  const args = [server.url, server.testKey ?? '', kind, String(connections), testCustomer];
  const child = fork(loadScript, args);
  loads.push(child);
  return {
    async tell(message) {
      child.send(message);
      const [{ counts }] = await once(child, 'message');
      return counts;
    },
  };
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;

/** How many times as slow live requests are under a load: the median of rounds, each beside an undisturbed one. */
async function slowdown(kind: string): Promise<number> {
  const load = startLoad(kind);
  const measure = () => liveP99(kind === 'verify');
  const warmUp = () => liveP99(kind === 'verify', warmUpMs, 0);
  await warmUp();
  const ratios: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const alone = await measure();
    await load.tell('start');
    // How a load begins is not what it is like.
    await warmUp();
    ratios.push((await measure()) / alone);
    await load.tell('stop');
  }
  return median(ratios);
}

describe('a load with a test key leaves live requests within three times of undisturbed', () => {
  for (const kind of ['reads', 'single', 'verify', 'writes', 'bodies', 'streams']) {
    it(`${kind}`, { timeout: 600_000 }, async () => {
      const measured: number[] = [];
      while (measured.length < attempts && !measured.some((ratio) => ratio < atMost))
        measured.push(await slowdown(kind));
      if (process.env.ISOLATION_FIGURES) process.stdout.write(`${kind} ${measured.join(' ')}\n`);
      expect(Math.min(...measured), measured.join(', ')).toBeLessThan(atMost);
    });
  }
});
