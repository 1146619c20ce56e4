import { createIdSource } from '../../server/src/platform/ids.ts';
import { createVault, type Vault } from '../../server/src/platform/seal.ts';
import type { LaneStore } from '../../server/src/writer/lane-store.ts';
import { createWriterOver, type Writer } from '../../server/src/writer/writer.ts';
import type { Acknowledged } from './invariants.ts';
import { createMemoryStore, type MemoryStore } from './memory-store.ts';
import { createRandom, createTrace, type Random } from './random.ts';
import type { Request } from './requests.ts';
import { type Call, createSimLaneStore } from './sim-lane-store.ts';

/** A fault that is planted to show that it is detected. The product has no part in it. */
export interface Fault {
  store?(store: MemoryStore): MemoryStore;
  lane?(store: LaneStore): LaneStore;
  request?(request: Request): Request;
}

export interface SimulationOptions {
  readonly seed: number;
  readonly steps: number;
  /** Drawn from the seed if omitted. */
  readonly lanes?: number | undefined;
  readonly fault?: Fault | undefined;
}

/** A server process. */
interface Process {
  readonly writer: Writer;
  /** Each releases the locks of a connection, as the database does when a connection ends. */
  readonly connections: (() => void)[];
  isAlive: boolean;
}

/** The database, the server processes on it, and the calls between them. */
export interface World {
  readonly random: Random;
  readonly trace: ReturnType<typeof createTrace>;
  readonly store: MemoryStore;
  readonly laneCount: number;
  readonly fault: Fault | undefined;
  readonly vault: Vault;
  readonly processes: Process[];
  /** Calls to the database that wait for the scheduler. */
  readonly calls: Call[];
  readonly locks: Map<number, object>;
  /** The requests that were sent, and the responses by their keys. */
  readonly sent: Request[];
  readonly acknowledged: Map<string, Acknowledged>;
  readonly counts: Record<string, number>;
  nowMs: number;
  /** How many requests were made. */
  made: number;
  /** The invariant that does not hold. */
  broken: string | undefined;
}

/** Creates a world from its seed, without processes. */
export function createWorld({ fault, lanes, seed }: SimulationOptions): World {
  const random = createRandom(seed);
  const laneCount = lanes ?? 1 + random.below(4);
  const store = createMemoryStore(laneCount);
  return {
    random,
    trace: createTrace(),
    store: fault?.store?.(store) ?? store,
    laneCount,
    fault,
    vault: createVault(Buffer.alloc(32, 7)),
    processes: [],
    calls: [],
    locks: new Map(),
    sent: [],
    acknowledged: new Map(),
    counts: {},
    nowMs: Date.UTC(2026, 0, 1),
    made: 0,
    broken: undefined,
  };
}

/** Counts something that happened. */
export function note({ counts }: World, what: string): void {
  counts[what] = (counts[what] ?? 0) + 1;
}

/** Starts the process with this index. */
export function startProcess(world: World, index: number): void {
  const { calls, fault, laneCount, locks, processes, random, store, vault } = world;
  const connections: (() => void)[] = [];
  const clock = { now: () => world.nowMs };
  const storeOf = (lane: number): LaneStore => {
    const own = createSimLaneStore(store, { process: index, lane, laneCount }, calls, locks, connections);
    return fault?.lane?.(own) ?? own;
  };
  const writer = createWriterOver(storeOf, {
    laneCount,
    aheadCommands: 1,
    clock,
    nowIn: () => world.nowMs,
    ids: createIdSource(clock, random.fill),
    vault,
    publicUrl: () => 'http://localhost:4000',
    events: {
      onBatch: () => note(world, 'batch'),
      onRetry: (reason) => note(world, `retry ${reason}`),
      onFatal(error) {
        world.broken = `fatal ${error.message}`;
      },
    },
  });
  processes[index] = { writer, connections, isAlive: true };
}

/** Kills a process and starts it again. */
export function crash(world: World, index: number): void {
  const { calls, processes, random } = world;
  const process = processes[index] as Process;
  process.isAlive = false;
  for (const end of process.connections) end();
  for (const call of calls.filter((other) => other.process === index)) {
    // A batch that was sent may still reach the database, though no process is left for the response.
    if (call.name === 'write' && !call.isBlocked() && random.chance(50)) call.end('unheard');
    if (calls.includes(call)) calls.splice(calls.indexOf(call), 1);
  }
  startProcess(world, index);
}
