import { isPayout } from '../../server/src/resources/transfers/state.ts';
import type { TransactionRow } from '../../server/src/store/tables/transactions.ts';
import { sendRequest } from './clients.ts';
import { brokenInvariant } from './invariants.ts';
import type { Call, Fate } from './sim-lane-store.ts';
import { crash, createWorld, note, type SimulationOptions, startProcess, type World } from './world.ts';

export interface SimulationResult {
  readonly trace: string;
  readonly counts: Readonly<Record<string, number>>;
  readonly broken?: { readonly step: number; readonly invariant: string };
}

/** Runs a new world. Every step is drawn from the seed, and every invariant is checked after it. */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const world = createWorld(options);
  const { counts, random, store, trace } = world;
  for (let index = 0; index < 1 + random.below(3); index += 1) startProcess(world, index);
  for (let step = 1; step <= options.steps; step += 1) {
    trace.add(`${step} ${act(world)}`);
    await settled();
    for (const head of store.rows('journal_heads'))
      trace.add(`${(head.journal_hash as Buffer).toString('hex')} ${head.event_seq}`);
    world.broken ??= brokenInvariant(store, world.acknowledged);
    if (world.broken !== undefined)
      return { trace: trace.digest(), counts, broken: { step, invariant: world.broken } };
  }
  countRows(world);
  return { trace: trace.digest(), counts };
}

/** Takes one step. @returns what was done */
function act(world: World): string {
  const { processes, random } = world;
  const kind = random.below(1000);
  if (kind < 8) {
    const index = random.below(processes.length);
    crash(world, index);
    note(world, 'crash');
    return `crash ${index}`;
  }
  if (kind < 30) {
    world.nowMs += random.below(20_000) - 6000;
    note(world, 'clock');
    return `clock ${world.nowMs}`;
  }
  return kind < 300 ? sendRequest(world) : answerCall(world);
}

/** Lets the database process one of the waiting calls, or lose it. */
function answerCall(world: World): string {
  const { calls, random } = world;
  const ready = calls.filter((call) => !call.isBlocked());
  if (ready.length === 0) return 'idle';
  const call = random.pick(ready);
  calls.splice(calls.indexOf(call), 1);
  const fate = call.isOrphan() ? random.pick(['unheard', 'lost_before'] as const) : drawFate(world, call);
  note(world, fate);
  call.end(fate);
  return `${call.name} ${call.process}/${call.lane} ${fate}`;
}

function drawFate({ random }: World, { canFail, name }: Call): Fate {
  const luck = random.below(100);
  if (!canFail || luck >= 6) return 'done';
  const fate = (['lost_before', 'answer_lost', 'serialization', 'late'] as const)[luck % 4] as Fate;
  if (fate === 'late' && name !== 'write') return 'lost_before';
  return fate === 'serialization' && name === 'fence' ? 'done' : fate;
}

function countRows(world: World): void {
  const { counts, store } = world;
  for (const name of ['transactions', 'journals', 'events'] as const) counts[name] = store.rows(name).length;
  for (const row of store.rows('transactions') as unknown as TransactionRow[]) {
    const statuses = JSON.parse(row.timeline) as { status: string }[];
    for (const { status } of statuses) note(world, `${isPayout(row) ? 'payout' : row.type} ${status}`);
  }
}

/** Lets everything run that does not wait for a call. */
async function settled(): Promise<void> {
  for (let round = 0; round < 2; round += 1) await new Promise(setImmediate);
}
