import { vi } from 'vitest';
import { act, drain, settled } from './actions.ts';
import type { Fixture } from './fixture.ts';
import { brokenAtEnd, paidTwice, unfinished } from './invariants.ts';
import { explainOutflows } from './operator.ts';
import { createWorld, firstMs, passTime, type RunOptions, type World } from './world.ts';

export interface RunResult {
  readonly trace: string;
  readonly counts: Readonly<Record<string, number>>;
  /** The invariant that does not hold, and at which step. */
  readonly broken?: { readonly step: number; readonly invariant: string };
}

/** Blocks after which everything that was begun must have ended. */
const lastBlocks = 250;
/** What does not change for so many blocks never ends: more than the server waits before it reads a final block again. */
const unchangedBlocks = 130;

/** Runs a world: what happens is drawn from the seed. */
export async function simulateChain(fixture: Fixture, options: RunOptions): Promise<RunResult> {
  vi.useFakeTimers({ now: firstMs, toFake: ['Date', 'performance', 'setTimeout', 'clearTimeout'] });
  let world: World | undefined;
  try {
    world = await createWorld(fixture, options);
    return await run(world);
  } finally {
    await world?.process.kill();
    vi.useRealTimers();
    await world?.database.drop();
  }
}

async function run(world: World): Promise<RunResult> {
  const { counts, errors, options, trace } = world;
  for (let step = 1; step <= options.steps; step += 1) {
    await act(world);
    await settled();
    const invariant = errors[0] ?? paidTwice(world);
    if (invariant !== undefined) return { trace: trace.digest(), counts, broken: { step, invariant } };
  }
  const invariant = (await finish(world)) ?? errors[0] ?? (await brokenAtEnd(world));
  if (invariant === undefined) return { trace: trace.digest(), counts };
  return { trace: trace.digest(), counts, broken: { step: options.steps, invariant } };
}

/** Ends all disturbances and waits until everything has ended. @returns what has not */
async function finish(world: World): Promise<string | undefined> {
  const { model } = world;
  for (const node of model.nodes) node.lie = undefined;
  model.setFees(1);
  let left: string | undefined;
  let changedAt = 0;
  for (let block = 0; block < lastBlocks; block += 1) {
    passTime(world);
    await drain(world.process);
    if (block % 10 !== 9) continue;
    await explainOutflows(world);
    const before = left;
    left = await unfinished(world);
    if (left === undefined) return undefined;
    if (left !== before) changedAt = block;
    if (block - changedAt >= unchangedBlocks) break;
  }
  return `unfinished ${left}`;
}
