import { Agent, request } from 'undici';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { endLaunched, type ServerProcess, startServerProcess } from '../support/process.ts';

const requests = 400;
/** A page of hundreds of kilobytes costs little more than an answer of a few bytes. */
const atMost = 3;

let server: ServerProcess;
const dispatcher = new Agent({ connections: 16 });
beforeAll(async () => {
  server = await startServerProcess({ args: ['--ephemeral', '--rate-limit', 'off', '--log-level', 'error'] });
});
afterAll(async () => {
  await dispatcher.close();
  await endLaunched();
});

/** What processor time the server has used, in seconds. */
async function cpuSeconds(): Promise<number> {
  const text = await (await request(`${server.adminUrl}/metrics`, { dispatcher })).body.text();
  return Number(/^process_cpu_seconds_total (\S+)/m.exec(text)?.[1]);
}

async function costOf(path: string): Promise<number> {
  const headers = { authorization: `Bearer ${server.testKey}`, 'accept-encoding': 'br' };
  const before = await cpuSeconds();
  let left = requests;
  const client = async (): Promise<void> => {
    while (left-- > 0) {
      const answer = await request(server.url + path, { headers, dispatcher });
      expect(answer.statusCode).toBe(200);
      await answer.body.dump({ limit: Number.POSITIVE_INFINITY });
    }
  };
  await Promise.all(Array.from({ length: 16 }, client));
  return (await cpuSeconds()) - before;
}

it('the documentation costs the server little more than a small answer', async () => {
  const paths = ['/docs', '/v1/rates?from=usd&to=gbp'];
  for (const path of paths) await costOf(path);
  const [page = 0, small = 0] = [await costOf('/docs'), await costOf('/v1/rates?from=usd&to=gbp')];
  if (process.env.ISOLATION_FIGURES)
    process.stdout.write(`docs ${(page / requests) * 1000} ms, small ${(small / requests) * 1000} ms\n`);
  expect(page / small).toBeLessThan(atMost);
});
