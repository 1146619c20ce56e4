import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Agent, request } from 'undici';
import { afterAll, expect, test } from 'vitest';
import { limits } from '../../server/src/platform/limits.ts';
import { type Caller, createCaller, forEachOf, waitUntil } from '../support/load.ts';
import { endLaunched, launch, makeTempDir, startServerProcess } from '../support/process.ts';

/** Deliveries a second of one process against a bare loop of undici, in turns. */
const events = Number(process.env.LOAD_EVENTS ?? 2000);
const rounds = Number(process.env.LOAD_ROUNDS ?? 1);
/** Short forms say little about speed on a busy machine: there it is enough that every delivery arrives. */
const leastRatio = rounds >= 3 ? 0.5 : 0.1;

const agent = new Agent({ connections: 64 });
let directory: { path: string; remove(): Promise<void> };
afterAll(async () => {
  await endLaunched();
  await agent.destroy();
  await directory.remove();
});

const script = (name: string) => fileURLToPath(new URL(name, import.meta.url));

interface Counts {
  readonly count: number;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly kept: { headers: Record<string, string>; body: string }[];
}

/** What the receiver had since it was last asked. */
async function readCounts(url: string): Promise<Counts> {
  return (await request(url, { dispatcher: agent })).body.json() as Promise<Counts>;
}

const perSecond = ({ count, firstMs, lastMs }: Counts) => (count / (lastMs - firstMs)) * 1000;

/** Lets a replay send every event, and waits until all of them have arrived. */
async function deliverAll(caller: Caller, webhookId: string, url: string): Promise<Counts> {
  const after = '2020-01-01T00:00:00.000Z';
  const { status, text } = await caller.post(`/v1/webhooks/${webhookId}/replay`, { createdAfter: after });
  expect(status, text).toBe(200);
  let all: Counts = { count: 0, firstMs: 0, lastMs: 0, kept: [] };
  await waitUntil(async () => {
    const { count, firstMs, kept, lastMs } = await readCounts(url);
    if (count > 0) {
      all = {
        count: all.count + count,
        firstMs: all.firstMs || firstMs,
        lastMs,
        kept: [...all.kept, ...kept],
      };
    }
    return all.count >= events;
  }, 120_000);
  expect(all.count).toBe(events);
  return all;
}

async function bareLoop(url: string, kept: Counts['kept']): Promise<Counts> {
  const requests = kept.map(({ body, headers }) => ({
    body,
    headers: Object.fromEntries(
      Object.entries(headers).filter(([name]) => /^(x-|webhook-|content-type|user)/.test(name)),
    ),
  }));
  const args = [
    script('../support/load/bare-loop.mjs'),
    url,
    String(events),
    String(limits.deliveryConcurrencyPerWebhook),
  ];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'inherit', 'inherit'] });
  child.stdin.end(JSON.stringify(requests));
  expect((await once(child, 'exit'))[0]).toBe(0);
  return readCounts(url);
}

test(
  'one process delivers at least half as many a second as a bare loop of undici',
  async () => {
    directory = await makeTempDir();
    const receiver = launch(process.execPath, { args: [script('../support/load/count-requests.mjs')] });
    await waitUntil(() => receiver.stdout().includes('\n'), 10_000);
    const url = `http://127.0.0.1:${JSON.parse(receiver.stdout()).port}/hooks`;
    const server = await startServerProcess({
      args: ['--data-dir', join(directory.path, 'data'), '--rate-limit', 'off', '--log-level', 'error'],
    });
    const caller = createCaller(server.url, server.testKey ?? '', agent);
    await forEachOf(
      Array.from({ length: events }, (_, number) => number),
      64,
      async (number) => {
        const body = { email: `load-${number}@example.com`, firstName: 'Ada', lastName: 'Lovelace' };
        expect((await caller.post('/v1/customers', body)).status).toBe(200);
      },
    );
    const made = await caller.post('/v1/webhooks', { url, events: ['customer.*'] });
    const webhookId = JSON.parse(made.text).data.id;
    // Connections, plans and compiled code are those of a server that has been running for a while.
    const { kept } = await deliverAll(caller, webhookId, url);
    await bareLoop(url, kept);
    const ratios: number[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      const ours = perSecond(await deliverAll(caller, webhookId, url));
      const bare = perSecond(await bareLoop(url, kept));
      ratios.push(ours / bare);
      const figures = `${Math.round(ours)} deliveries/s, bare loop ${Math.round(bare)}/s`;
      process.stderr.write(
        `webhooks throughput: round ${round}: ${figures}, ratio ${(ours / bare).toFixed(2)}\n`,
      );
    }
    const median = ratios.toSorted((a, b) => a - b)[Math.floor(ratios.length / 2)] ?? 0;
    process.stderr.write(`webhooks throughput: median ratio ${median.toFixed(2)}\n`);
    expect(median).toBeGreaterThanOrEqual(leastRatio);
    expect((await server.stop()).code).toBe(0);
    receiver.child.kill();
  },
  300_000 + rounds * 120_000,
);
