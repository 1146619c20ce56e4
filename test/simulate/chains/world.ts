import { vi } from 'vitest';
import { type ChainConfig, parseChains } from '../../../server/src/chains/config.ts';
import type { Logger } from '../../../server/src/platform/logger.ts';
import { createLogger } from '../../../server/src/platform/logger.ts';
import { createRandom, createTrace, type Random } from '../random.ts';
import type { ChainModel, Lie, SimulatedChain } from './chain-model.ts';
import { token } from './evm-chain.ts';
import { createEvmModel } from './evm-model.ts';
import {
  type Accounts,
  cloneDatabase,
  type Fixture,
  type FixtureWallet,
  type RunDatabase,
} from './fixture.ts';
import { type Process, type ProcessFault, startProcess } from './process.ts';
import { createTronModel } from './tron-model.ts';

/** What can happen in a run besides deposits, transfers and the passing of time. */
export interface Disturbances {
  /** Calls whose connection is lost, of 1,000. */
  readonly lost: number;
  readonly crashes: boolean;
  /** How many blocks a reorganisation takes back at most; 0 for none. */
  readonly reorgDepth: number;
  /** What a node may do wrong: one node at a time. */
  readonly lies: readonly Lie[];
  readonly feeSpikes: boolean;
  readonly frozenReceivers: boolean;
  /** The database is restored from a copy made earlier. */
  readonly restores: boolean;
}

export interface RunOptions {
  readonly chain: SimulatedChain;
  readonly seed: number;
  readonly steps: number;
  readonly disturbances: Disturbances;
  /** How many times as often as usual deposits, transfers and disturbances happen; 1 when left out. */
  readonly pace?: number;
  readonly fault?: ProcessFault | undefined;
}

/** A transfer that was accepted. */
export interface SentTransfer {
  readonly id: string;
  readonly wallet: FixtureWallet;
  readonly to: string;
  readonly amountMinor: bigint;
  readonly netMinor: bigint;
}

/** The chain, the database, the server process, and what clients have done. */
export interface World {
  readonly fixture: Fixture;
  readonly options: RunOptions;
  readonly random: Random;
  readonly trace: ReturnType<typeof createTrace>;
  readonly config: ChainConfig;
  readonly model: ChainModel;
  readonly database: RunDatabase;
  readonly logger: Logger;
  /** What was logged as an error, without what follows from lost connections. */
  readonly errors: string[];
  /** What the operator was told about deep reorganisations. */
  readonly alerts: string[];
  readonly transfers: SentTransfer[];
  /** How often each thing happened. */
  readonly counts: Record<string, number>;
  readonly signedAtMs: Map<string, number>;
  process: Process;
  backedUp: boolean;
}

const nodeCount = 3;
const chainId = 31_337;
const millisecondsPerBlock = 2000;
const treasuryFundsMinor = 10_000_000_000n;
const walletFundsMinor = 100_000_000n;
/** More than the confirmations: what has arrived by then is final. */
export const blocksBefore = 8;
export const firstMs = Date.UTC(2027, 0, 15);

/** The tokens that a wallet takes and sends on each chain. */
export const currencies = { base: 'usdc', tron: 'usdt' } as const;

/** The entry of a chain in a file of chains. */
export function entryOf(chain: SimulatedChain, more: object = {}): object {
  return {
    rpc: Array.from({ length: nodeCount }, (_, index) => `http://127.0.0.1:${index + 1}`),
    confirmations: 4,
    agreement: 2,
    startBlock: 0,
    pollMs: millisecondsPerBlock,
    sweepFrom: '20',
    signing: { perDay: '100000000', nativePerDay: '100000' },
    ...(chain === 'base'
      ? {
          networkId: String(chainId),
          tokens: { usdc: token },
          gas: { nativeUsd: '2500', bumpAfterMs: 20_000 },
        }
      : { gas: { nativeUsd: '0.25' } }),
    ...more,
  };
}

/** The configuration of a chain, as the server reads it. */
export function configOf(chain: SimulatedChain, more: object = {}): ChainConfig {
  const parsed = parseChains(JSON.stringify({ [chain]: entryOf(chain, more) }));
  if ('faults' in parsed) throw new Error(parsed.faults.join());
  return parsed.chains[0] as ChainConfig;
}

/** Creates the model of a chain on which the treasury and every wallet have got tokens already. */
export function createModel(chain: SimulatedChain, { treasuries, wallets }: Accounts): ChainModel {
  const treasury = treasuries.find((known) => known.chain === chain)?.address ?? '';
  const model =
    chain === 'base' ? createEvmModel(chainId, nodeCount, treasury) : createTronModel(nodeCount, treasury);
  model.fund(treasury);
  model.deposit(treasury, treasuryFundsMinor);
  for (const { addresses } of wallets) model.deposit(addresses[chain], walletFundsMinor);
  for (let block = 0; block < blocksBefore; block += 1) model.mine();
  return model;
}

/** Creates the world of a run and starts its server. */
export async function createWorld(fixture: Fixture, options: RunOptions): Promise<World> {
  const random = createRandom(options.seed);
  const errors: string[] = [];
  const alerts: string[] = [];
  const config = configOf(options.chain);
  const model = createModel(options.chain, fixture);
  const world = {
    fixture,
    options,
    random,
    trace: createTrace(),
    config,
    model,
    database: await cloneDatabase(fixture, fixture.templates[options.chain]),
    logger: createLogger('error', { write: (line: string) => noteLine({ alerts, errors }, line) }),
    errors,
    alerts,
    transfers: [],
    counts: {},
    signedAtMs: new Map<string, number>(),
    backedUp: false,
  };
  return Object.assign(world, { process: await start(world) });
}

/** Starts the server process again, after its end. */
export async function restart(world: World, isRestored = false): Promise<void> {
  world.process = await start(world, isRestored);
}

function start(world: Omit<World, 'process'>, isRestored = false): Promise<Process> {
  const { config, database, fixture, logger, model, options, random, signedAtMs } = world;
  return startProcess({
    fixture,
    databaseUrl: database.url,
    config,
    nodes: model.nodes,
    clock: { now: Date.now },
    random,
    logger,
    fault: options.fault,
    isRestored,
    ageMs(txHash) {
      const at = signedAtMs.get(txHash) ?? Date.now();
      signedAtMs.set(txHash, at);
      return Date.now() - at;
    },
  });
}

/** Lets a block be made, and time pass as long as that takes: workers that have rested long enough take their next turn. */
export function passTime({ model }: World): void {
  model.mine();
  vi.advanceTimersByTime(millisecondsPerBlock);
}

/** Counts something that happened. */
export function note({ counts, trace }: World, what: string): void {
  counts[what] = (counts[what] ?? 0) + 1;
  trace.add(what);
}

/** Errors that a lost connection explains are no faults of the server; what a deep reorganisation took back is no error either. */
function noteLine({ alerts, errors }: Pick<World, 'alerts' | 'errors'>, line: string): void {
  if (/Connection terminated|A batch failed/.test(line)) return;
  const isTold = /below blocks that counted as final|no longer in the chain/.test(line);
  (isTold ? alerts : errors).push(line);
}
