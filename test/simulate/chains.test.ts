import { randomInt } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lies, type SimulatedChain, simulatedChains } from './chains/chain-model.ts';
import { chainFaults, harmlessFaults } from './chains/faults.ts';
import type { Fixture } from './chains/fixture.ts';
import { prepareFixture } from './chains/prepare.ts';
import { simulateChain } from './chains/simulation.ts';
import type { Disturbances, RunOptions } from './chains/world.ts';

/** `npm run soak -- simulate-chains` sets these variables; without them this is the short form of `npm test`. */
const given = (name: string): number | undefined => {
  const text = process.env[`SIMULATE_CHAINS_${name}`];
  return text === undefined ? undefined : Number(text);
};
const steps = given('STEPS') ?? 400;
const minutes = given('MINUTES');
const chosen = given('SEED');
const timeoutMs = ((minutes ?? 2) + 2) * 60_000;
/** A planted fault is seen sooner where more happens. */
const planted = { steps: 300, pace: 5 };
const faultSeeds = 5;

let fixture: Fixture;
beforeAll(async () => {
  fixture = await prepareFixture();
}, 120_000);
afterAll(() => fixture?.stop());

const calm: Disturbances = {
  lost: 0,
  crashes: false,
  reorgDepth: 0,
  lies: [],
  feeSpikes: false,
  frozenReceivers: false,
  restores: false,
};
/** What a server must live with that asks two of three nodes. */
const everything: Disturbances = {
  lost: 20,
  crashes: true,
  reorgDepth: 12,
  lies,
  feeSpikes: true,
  frozenReceivers: true,
  restores: true,
};

async function run(options: RunOptions): Promise<Readonly<Record<string, number>>> {
  const { broken, counts } = await simulateChain(fixture, options);
  if (!broken) return counts;
  throw new Error(
    `${options.chain}, seed ${options.seed}, step ${broken.step}: ${broken.invariant}\n` +
      `Again: npm run soak -- simulate-chains --seed ${options.seed} --steps ${options.steps}`,
  );
}

const options = (chain: SimulatedChain, seed: number): RunOptions => ({
  chain,
  seed,
  steps,
  disturbances: everything,
});

describe('the simulation of chains', () => {
  it.each(simulatedChains)(
    'pays and credits everything once: %s',
    async (chain) => {
      const startedMs = performance.now();
      const first = chosen ?? (minutes === undefined ? 1 : randomInt(2 ** 31));
      const isOver = (done: number): boolean =>
        minutes === undefined ? done >= 1 : performance.now() - startedMs > (minutes / 2) * 60_000;
      for (let done = 0; done === 0 || (chosen === undefined && !isOver(done)); done += 1) {
        const counts = await run(options(chain, first + done));
        if (minutes !== undefined || chosen !== undefined) {
          console.info(`${chain}, seed ${first + done}: ${JSON.stringify(counts)}`);
        }
      }
    },
    timeoutMs,
  );

  it.skipIf(minutes !== undefined || chosen !== undefined)(
    'repeats a run from its seed',
    async () => {
      const once = { ...options('base', 7), steps: 60 };
      expect(await simulateChain(fixture, once)).toEqual(await simulateChain(fixture, once));
    },
    timeoutMs,
  );
});

describe('a planted fault of chains', () => {
  it.each(Object.entries(harmlessFaults))(
    'does no harm: %s',
    async (_, { chain, disturbances, fault }) => {
      const { broken } = await simulateChain(fixture, {
        ...planted,
        chain,
        seed: 1,
        disturbances: { ...calm, ...disturbances },
        fault,
      });
      expect(broken).toBeUndefined();
    },
    timeoutMs,
  );

  it.each(Object.entries(chainFaults))(
    'is detected: %s',
    async (_, { caught, chain, disturbances, fault, seed: first = 1 }) => {
      for (let seed = first; seed < first + faultSeeds; seed += 1) {
        const options = { ...planted, chain, seed, disturbances: { ...calm, ...disturbances }, fault };
        const { broken } = await simulateChain(fixture, options);
        if (!broken) continue;
        expect(broken.invariant).toMatch(caught);
        return;
      }
      expect.fail(`the fault was not detected in ${faultSeeds} runs`);
    },
    timeoutMs,
  );
});
