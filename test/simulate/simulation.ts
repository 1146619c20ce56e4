import { ApiError } from '../../server/src/platform/errors.ts';
import { createIdSource } from '../../server/src/platform/ids.ts';
import { createVault } from '../../server/src/platform/seal.ts';
import { isPayout } from '../../server/src/resources/transfers/state.ts';
import type { TransactionRow } from '../../server/src/store/rows.ts';
import type { Outcome } from '../../server/src/writer/command.ts';
import type { LaneStore } from '../../server/src/writer/lane-store.ts';
import { createWriterOver, type Writer } from '../../server/src/writer/writer.ts';
import { type Acknowledged, brokenInvariant } from './invariants.ts';
import { createMemoryStore, type MemoryStore } from './memory-store.ts';
import { createRandom, createTrace } from './random.ts';
import { answeringOf, drawRequest, type Request } from './requests.ts';
import { type Call, createSimLaneStore, type Fate } from './sim-lane-store.ts';

/** A fault planted on purpose, to show that it is caught. The product knows nothing of it. */
export interface Fault {
  store?(store: MemoryStore): MemoryStore;
  lane?(store: LaneStore): LaneStore;
  request?(request: Request): Request;
}

export interface SimulationOptions {
  readonly seed: number;
  readonly steps: number;
  /** Drawn from the seed when left out. */
  readonly lanes?: number | undefined;
  readonly fault?: Fault | undefined;
}

export interface SimulationResult {
  readonly trace: string;
  readonly counts: Readonly<Record<string, number>>;
  readonly broken?: { readonly step: number; readonly invariant: string };
}

interface Process {
  readonly writer: Writer;
  /** Lets go of its locks, as the database does when a connection ends. */
  readonly connections: (() => void)[];
  alive: boolean;
}

/** Runs one world from nothing: every step is drawn from the seed, and checked. */
export async function simulate({ fault, lanes, seed, steps }: SimulationOptions): Promise<SimulationResult> {
  const random = createRandom(seed);
  const trace = createTrace();
  const laneCount = lanes ?? 1 + random.below(4);
  const clean = createMemoryStore(laneCount);
  const store = fault?.store?.(clean) ?? clean;
  const vault = createVault(Buffer.alloc(32, 7));
  const calls: Call[] = [];
  const locks = new Map<number, object>();
  const acknowledged = new Map<string, Acknowledged>();
  const sent: Request[] = [];
  const counts: Record<string, number> = {};
  const processes: Process[] = [];
  let nowMs = Date.UTC(2026, 0, 1);
  let made = 0;
  let broken: string | undefined;
  const note = (what: string): void => {
    counts[what] = (counts[what] ?? 0) + 1;
  };

  const start = (index: number): void => {
    const connections: (() => void)[] = [];
    const clock = { now: () => nowMs };
    const storeOf = (lane: number): LaneStore => {
      const own = createSimLaneStore(store, { process: index, lane, laneCount }, calls, locks, connections);
      return fault?.lane?.(own) ?? own;
    };
    const writer = createWriterOver(storeOf, {
      laneCount,
      aheadCommands: 1,
      clock,
      nowIn: () => nowMs,
      ids: createIdSource(clock, random.fill),
      vault,
      publicUrl: () => 'http://localhost:4000',
      events: {
        onBatch: () => note('batch'),
        onRetry: (reason) => note(`retry ${reason}`),
        onFatal: (error) => (broken = `fatal ${error.message}`),
      },
    });
    processes[index] = { writer, connections, alive: true };
  };

  const crash = (index: number): void => {
    const process = processes[index] as Process;
    process.alive = false;
    for (const end of process.connections) end();
    for (const call of calls.filter((other) => other.process === index)) {
      // What was on its way may still arrive at the database, though nobody is there for the answer.
      if (call.name === 'write' && !call.isBlocked() && random.chance(50)) call.end('unheard');
      if (calls.includes(call)) calls.splice(calls.indexOf(call), 1);
    }
    start(index);
  };

  const ended = ({ answering, command }: Request, outcome: Outcome<unknown>): void => {
    note(`${command.name} ${outcome.kind}`);
    if (!('answer' in outcome) || !outcome.answer || !answering) return;
    const { key, route } = answering.claim;
    const { body } = outcome.answer;
    trace.add(`${route} ${key} ${outcome.kind} ${outcome.answer.status}`);
    const before = acknowledged.get(key);
    if (before && before.body !== body) broken = `two_answers ${key}`;
    acknowledged.set(key, { key, body });
  };

  const send = (request: Request): void => {
    const process = processes[random.below(processes.length)] as Process;
    // Both queues of a lane are used.
    const queue = request.command.bucket % 2 === 0 ? 'live' : 'test';
    void process.writer.submit(request.command, request.answering as never, queue).then(
      (outcome) => process.alive && ended(request, outcome as Outcome<unknown>),
      (error: unknown) => {
        if (!process.alive || error instanceof ApiError) return;
        // A batch may be given up when the database is lost again and again; anything else is a bug.
        const text = error instanceof Error ? error.message : String(error);
        note('failed');
        if (!/given up|Connection terminated/.test(text)) broken = `unexpected_error ${text}`;
      },
    );
  };

  const deliver = (): string => {
    const again = sent.length > 0 && random.chance(25);
    if (!again) {
      const request = drawRequest(store, random, made++);
      sent.push(fault?.request?.(request) ?? request);
      send(sent.at(-1) as Request);
      return `send ${request.command.name}`;
    }
    const first = random.pick(sent);
    const request = first.again ? { ...first, command: first.again(made++) } : first;
    const isOther = request.answering && random.chance(15);
    if (!isOther) send(request);
    else {
      const { key, route } = request.answering.claim;
      send({ ...request, answering: answeringOf(route, key, 'another body') });
    }
    return `${isOther ? 'misuse' : 'repeat'} ${request.command.name}`;
  };

  const answer = (): string => {
    const ready = calls.filter((call) => !call.isBlocked());
    if (ready.length === 0) return 'idle';
    const call = random.pick(ready);
    calls.splice(calls.indexOf(call), 1);
    const fate = call.isOrphan() ? random.pick(['unheard', 'lost_before'] as const) : drawFate(call);
    note(fate);
    call.end(fate);
    return `${call.name} ${call.process}/${call.lane} ${fate}`;
  };

  const drawFate = ({ canFail, name }: Call): Fate => {
    const luck = random.below(100);
    if (!canFail || luck >= 6) return 'done';
    const fate = (['lost_before', 'answer_lost', 'serialization', 'late'] as const)[luck % 4] as Fate;
    if (fate === 'late' && name !== 'write') return 'lost_before';
    return fate === 'serialization' && name === 'fence' ? 'done' : fate;
  };

  const act = (): string => {
    const kind = random.below(1000);
    if (kind < 8) {
      const index = random.below(processes.length);
      crash(index);
      note('crash');
      return `crash ${index}`;
    }
    if (kind < 30) {
      nowMs += random.below(20_000) - 6000;
      note('clock');
      return `clock ${nowMs}`;
    }
    return kind < 300 ? deliver() : answer();
  };

  for (let index = 0; index < 1 + random.below(3); index += 1) start(index);
  for (let step = 1; step <= steps; step += 1) {
    trace.add(`${step} ${act()}`);
    await settled();
    for (const head of store.rows('chain_heads'))
      trace.add(`${(head.journal_hash as Buffer).toString('hex')} ${head.event_seq}`);
    broken ??= brokenInvariant(store, acknowledged);
    if (broken !== undefined) return { trace: trace.digest(), counts, broken: { step, invariant: broken } };
  }
  for (const name of ['transactions', 'journals', 'events'] as const) counts[name] = store.rows(name).length;
  for (const row of store.rows('transactions') as unknown as TransactionRow[]) {
    const statuses = JSON.parse(row.timeline) as { status: string }[];
    for (const { status } of statuses) note(`${isPayout(row) ? 'payout' : row.type} ${status}`);
  }
  return { trace: trace.digest(), counts };
}

/** Lets everything run that waits for nothing but itself. */
async function settled(): Promise<void> {
  for (let round = 0; round < 2; round += 1) await new Promise(setImmediate);
}
