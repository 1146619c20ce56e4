import { randomInt } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { faults } from './faults.ts';
import { simulate } from './simulation.ts';
import type { SimulationOptions } from './world.ts';

/** `npm run soak -- simulate` sets these variables; without them this is the short form of `npm test`. */
const given = (name: string): number | undefined => {
  const text = process.env[`SIMULATE_${name}`];
  return text === undefined ? undefined : Number(text);
};
const steps = given('STEPS') ?? 800;
const lanes = given('LANES');
const minutes = given('MINUTES');
const chosen = given('SEED');
const progressMs = 10_000;
const everyEnd = [
  ...['transfer completed', 'transfer failed', 'transfer refunded'],
  ...['payout payment_processed', 'payout returned', 'payout failed', 'payout refunded'],
  ...['deposit completed', 'deposit returned'],
];

async function run(options: SimulationOptions): Promise<Readonly<Record<string, number>>> {
  const { broken, counts } = await simulate(options);
  if (!broken) return counts;
  const { seed } = options;
  const lane = options.lanes === undefined ? '' : ` --lanes ${options.lanes}`;
  throw new Error(
    `Seed ${seed}, step ${broken.step}: ${broken.invariant}\n` +
      `Again: npm run soak -- simulate --seed ${seed} --steps ${options.steps}${lane}`,
  );
}

describe('the simulation', () => {
  it('holds every invariant after every step', { timeout: ((minutes ?? 1) + 1) * 60_000 }, async () => {
    const startedMs = performance.now();
    const first = chosen ?? (minutes === undefined ? 1 : randomInt(2 ** 31));
    const seeds = chosen === undefined && minutes === undefined ? 16 : 1;
    let [seed, done, printedMs] = [first, 0, startedMs];
    const isOver = (): boolean =>
      minutes === undefined ? done >= seeds : performance.now() - startedMs > minutes * 60_000;
    const totals = new Map<string, number>();
    for (; done === 0 || !isOver(); seed += 1, done += 1) {
      const counts = await run({ seed, steps, lanes });
      for (const [what, times] of Object.entries(counts)) totals.set(what, (totals.get(what) ?? 0) + times);
      if (performance.now() - printedMs < progressMs) continue;
      printedMs = performance.now();
      console.info(`seed ${seed}: ${done * steps} steps hold`);
    }
    const seconds = (performance.now() - startedMs) / 1000;
    const speed = Math.round((done * steps) / seconds);
    console.info(`seeds ${first} to ${seed - 1}: ${done * steps} steps hold, ${speed} a second`);
    // Every final status must have been reached.
    if (done > 1) expect([...totals.keys()]).toEqual(expect.arrayContaining(everyEnd));
  });

  it.skipIf(chosen !== undefined || minutes !== undefined)('holds from a random seed', async () => {
    const seed = randomInt(2 ** 31);
    console.info(`random seed ${seed}`);
    const counts = await run({ seed, steps });
    expect(counts.batch).toBeGreaterThan(0);
  });

  it('credits the receiver of an internal transfer in another lane exactly once', async () => {
    const ends = new Map<string, number>();
    for (const seed of [3, 7]) {
      const counts = await run({ seed, steps: 1500, lanes: 4 });
      for (const [what, times] of Object.entries(counts)) ends.set(what, (ends.get(what) ?? 0) + times);
    }
    expect(ends.get('close_internal_transfer accepted')).toBeGreaterThan(1);
    expect(ends.get('crash')).toBeGreaterThan(10);
  });

  it('repeats a run from its seed', async () => {
    const [one, other] = [await simulate({ seed: 7, steps: 500 }), await simulate({ seed: 7, steps: 500 })];
    expect(one).toEqual(other);
    expect((await simulate({ seed: 8, steps: 500 })).trace).not.toBe(one.trace);
  });
});

describe('a planted fault', () => {
  it.each(Object.entries(faults))('is detected: %s', async (_, { caught, fault, world }) => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const { broken } = await simulate({ seed, steps: 800, fault, ...world });
      if (!broken) continue;
      expect(broken.invariant).toMatch(caught);
      return;
    }
    expect.fail('the fault was not detected in 20 worlds');
  });
});
