import { randomInt } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createRandom } from '../simulate/random.ts';
import { createClient } from '../support/client.ts';
import { ok } from '../support/factories.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { createActor } from './actor.ts';

/**
 * The same random requests are sent to two servers on a real PostgreSQL and to a model of a few objects.
 * `npm run soak -- model` runs it for longer; MODEL_SEED repeats the requests of a run.
 */
const seed = Number(process.env.MODEL_SEED ?? randomInt(2 ** 31));
const minutes = Number(process.env.MODEL_MINUTES ?? 0);
const shortSteps = 60;
const actorCount = 12;

let server: TestServer;
beforeAll(async () => {
  // Nothing moves by itself: a transfer rests in each status for an hour.
  server = await startServer({ lanes: 4, sandboxStepMs: 3_600_000 });
});
afterAll(() => server.stop());

it(
  `the servers answer as the model does (MODEL_SEED=${seed})`,
  async () => {
    const random = createRandom(seed);
    const second = await createClient((await server.second()).url, server.testKey);
    const actors = await Promise.all(
      Array.from({ length: actorCount }, (_, index) =>
        createActor([server.api, second], createRandom(random.below(2 ** 31)), `actor-${index}`),
      ),
    );
    const endMs = Date.now() + minutes * 60_000;
    let steps = 0;
    await Promise.all(
      actors.map(async (actor) => {
        for (let own = 0; own < shortSteps || Date.now() < endMs; own += 1) {
          await actor.step();
          steps += 1;
        }
        await actor.compare();
      }),
    );
    expect(await ok(server.api.get('/v1/ledger/verify'))).toMatchObject({ ok: true, problems: [] });
    const counts: Record<string, number> = {};
    for (const actor of actors) {
      for (const [what, times] of actor.counts) counts[what] = (counts[what] ?? 0) + times;
    }
    // A run in which nothing is refused, or everything, would show little.
    for (const what of ['transfer', 'advance', 'status']) {
      expect(Object.keys(counts).filter((key) => key.startsWith(what)).length, what).toBeGreaterThan(1);
    }
    console.info(`seed ${seed}: ${steps} steps, ${JSON.stringify(counts)}`);
  },
  (minutes + 2) * 60_000,
);
