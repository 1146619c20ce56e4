import type { ChainConfig } from '../../../server/src/chains/config.ts';
import { ChainError } from '../../../server/src/chains/errors.ts';
import { evmFamily } from '../../../server/src/chains/evm/family.ts';
import { createChainPort } from '../../../server/src/chains/family.ts';
import type { Node } from '../../../server/src/chains/node.ts';
import type { ChainPort } from '../../../server/src/chains/port.ts';
import type { TransactionSigner } from '../../../server/src/chains/signing.ts';
import { solanaFamily } from '../../../server/src/chains/solana/family.ts';
import { tronFamily } from '../../../server/src/chains/tron/family.ts';
import { createLocalSigner } from '../../../server/src/custody/signer.ts';
import { signingPolicy } from '../../../server/src/custody/signing-policy.ts';
import type { SpendBook } from '../../../server/src/custody/signing-record.ts';
import { createSpendTable } from '../../../server/src/custody/spend-table.ts';
import { proofKeysOf, proveTransfer } from '../../../server/src/custody/transfer-proof.ts';
import { startChains } from '../../../server/src/onchain/workers.ts';
import type { Clock } from '../../../server/src/platform/clock.ts';
import { createIdSource } from '../../../server/src/platform/ids.ts';
import type { Logger } from '../../../server/src/platform/logger.ts';
import { createVault } from '../../../server/src/platform/seal.ts';
import type { Worker } from '../../../server/src/platform/worker-loop.ts';
import type { RateProvider } from '../../../server/src/rates/provider.ts';
import type { TransferProver } from '../../../server/src/resources/transfers/commands.ts';
import { createRuleScreener, noRules } from '../../../server/src/screening/rules.ts';
import { createCustomerSalts } from '../../../server/src/store/customer-salts.ts';
import { createPool, type Pool } from '../../../server/src/store/pool.ts';
import { createRowGuard } from '../../../server/src/store/row-guard.ts';
import { createWriter, type Writer } from '../../../server/src/writer/writer.ts';
import type { Random } from '../random.ts';
import type { Accounts } from './fixture.ts';
import {
  createSteps,
  endSteps,
  type Steps,
  stepwiseNode,
  stepwisePool,
  stepwiseSigner,
  stepwiseWriter,
} from './steps.ts';

/** Parts of a process that a planted fault replaces. */
export interface ProcessFault {
  config?(config: ChainConfig): ChainConfig;
  port?(port: ChainPort): ChainPort;
  pool?(pool: Pool): Pool;
  /** The signer's record. */
  book?(book: SpendBook): SpendBook;
}

export interface ProcessOptions {
  readonly fixture: Accounts;
  readonly databaseUrl: string;
  readonly config: ChainConfig;
  readonly nodes: readonly Node[];
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly fault: ProcessFault | undefined;
  /** Whether the database is an old copy: hours have passed since the last process used it. */
  readonly isRestored?: boolean;
  /** The age of a signed transaction, in milliseconds. */
  ageMs(txHash: string): number;
}

/** A server process with the real workers of one chain. What they ask for waits for the scheduler. */
export interface Process {
  readonly steps: Steps;
  /** Not stepwise: for requests of clients, and for what is checked at the end. */
  readonly pool: Pool;
  readonly writer: Writer;
  /** The chain as an operator's command reads it: not stepwise either. */
  readonly port: ChainPort;
  readonly prove: TransferProver;
  readonly rates: RateProvider;
  /** Kills it: what it waits for never comes. */
  kill(): Promise<void>;
}

/** Every stablecoin is worth a dollar. */
const one = { buyRate: '1', sellRate: '1', midRate: '1' };
const rates: RateProvider = { quote: () => one, pairs: () => [], faultOf: () => undefined };
const families = { evm: evmFamily, solana: solanaFamily, tron: tronFamily };

/** Starts a process. Those before it must have ended: their leases run out. */
export async function startProcess(options: ProcessOptions): Promise<Process> {
  const { clock, databaseUrl, fault, fixture, logger, random } = options;
  const { keyring, metrics } = fixture;
  const pool = createPool(databaseUrl, 'simulated', { max: 3 });
  const vault = createVault(keyring).withSalts(createCustomerSalts(pool));
  pool.guard = createRowGuard(vault, (table, id) => logger.error({ table, id }, 'a row is not authentic'));
  await expireLeases(pool);
  if (options.isRestored) await passHours(pool);
  const writer = createWriter({
    databaseUrl,
    laneCount: 1,
    guard: pool.guard,
    clock,
    nowIn: () => clock.now(),
    ids: createIdSource(clock, random.fill),
    vault,
    publicUrl: () => 'http://localhost:4000',
    events: { onBatch: () => undefined, onRetry: () => undefined, onFatal: (error) => logger.error(error) },
  });
  const steps = createSteps();
  const stepwise = stepwisePool(steps, pool);
  const ownPool = fault?.pool?.(stepwise) ?? stepwise;
  const proofKeys = proofKeysOf(keyring);
  const config = fault?.config?.(options.config) ?? options.config;
  const book = createSpendTable(ownPool);
  const signer = createLocalSigner(Uint8Array.from(fixture.seed), {
    policy: signingPolicy([config]),
    book: fault?.book?.(book) ?? book,
    clock,
    proofKeys: () => proofKeys,
  });
  const opened = openPort(options, config, stepwiseSigner(steps, signer), (node) =>
    stepwiseNode(steps, node, () => new ChainError('The node is unreachable (ECONNRESET).')),
  );
  const port = fault?.port?.(opened) ?? opened;
  const screener = createRuleScreener(noRules, async () => ({ transfers: 0, amountMinor: 0n }));
  const deps = {
    pool: ownPool,
    writer: stepwiseWriter(steps, writer),
    logger,
    metrics,
    rates,
    signer,
    screener,
  };
  const workers: readonly Worker[] = startChains([port], deps);
  return {
    steps,
    pool,
    writer,
    port: openPort(options, options.config, signer, (node) => node),
    prove: (transfer) => proveTransfer(proofKeys[0], transfer),
    rates,
    async kill() {
      await endSteps(steps);
      // A worker that rests ends; one that is in a turn waits for good.
      for (const worker of workers) void worker.stop();
      await writer.close();
      await pool.end();
    },
  };
}

function openPort(
  { ageMs, fixture, nodes }: ProcessOptions,
  config: ChainConfig,
  signer: TransactionSigner,
  reach: (node: Node) => Node,
): ChainPort {
  const treasury = fixture.treasuries.find(({ chain }) => chain === config.chain)?.address ?? '';
  const createNode = (url: string): Node => reach(nodes[config.rpcUrls.indexOf(url)] as Node);
  // Each family has its own type of configuration.
  const family = { ...families[config.family], createNode } as typeof evmFamily;
  const port = createChainPort(family, config as never, treasury, signer, () => undefined);
  const { sender } = port;
  return {
    ...port,
    sender: {
      ...sender,
      // The database's clock is the real one; payments age by the clock of the simulation.
      follow: (payment, attempts) => sender.follow(payment, attempts, ageMs(attempts.at(-1)?.txHash ?? '')),
    },
  };
}

async function passHours(pool: Pool): Promise<void> {
  await pool.query("update chain_watches set watched_at = watched_at - interval '5 hours'");
}

async function expireLeases(pool: Pool): Promise<void> {
  await pool.query('delete from chain_leases');
}
