import { afterEach, expect, it } from 'vitest';
import { startServer, type TestServer } from '../../../test/support/server.ts';
import { systemClock } from '../platform/clock.ts';
import { createEnvironmentClocks } from './environment-clocks.ts';
import { createPool, type Pool } from './pool.ts';

let server: TestServer;
let pool: Pool;
afterEach(async () => {
  await pool.end();
  await server.stop();
});

it('never moves a clock back, even if an earlier read ends after a later one', async () => {
  server = await startServer();
  pool = createPool(server.databaseUrl, 'test');
  pool.guard = server.app.pool.guard;
  // The first read ends last.
  let reads = 0;
  const slow = Object.create(pool) as Pool;
  slow.query = (async (config: never) => {
    reads += 1;
    const delayMs = reads === 1 ? 200 : 0;
    const answer = await pool.query(config);
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    return answer;
  }) as never;
  const clocks = createEnvironmentClocks(slow, systemClock);
  const early = clocks.refresh();
  await expect.poll(() => reads).toBe(1);
  await new Promise((resolve) => setTimeout(resolve, 50));
  await server.api.post('/v1/sandbox/clock/advance', { seconds: 3600 });
  await clocks.refresh();
  const { rows } = await pool.query('select current_id from environments where clock_offset_ms > 0');
  const id = rows[0].current_id;
  expect(clocks.offsetMs(id)).toBe(3_600_000);
  await early;
  expect(clocks.offsetMs(id)).toBe(3_600_000);
  expect(clocks.latestMs()).toBeGreaterThanOrEqual(Date.now() + 3_590_000);
});

it('reads again after a read failed', async () => {
  server = await startServer();
  pool = createPool(server.databaseUrl, 'test');
  pool.guard = server.app.pool.guard;
  const failing = Object.create(pool) as Pool;
  let reads = 0;
  failing.query = (async (config: never) => {
    reads += 1;
    if (reads === 1) throw new Error('no connection');
    return pool.query(config);
  }) as never;
  const clocks = createEnvironmentClocks(failing, systemClock);
  await expect(clocks.refresh()).rejects.toThrow('no connection');
  await server.api.post('/v1/sandbox/clock/advance', { seconds: 60 });
  await clocks.refresh();
  expect(clocks.latestMs()).toBeGreaterThanOrEqual(Date.now() + 59_000);
});
