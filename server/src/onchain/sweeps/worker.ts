import { randomUUID } from 'node:crypto';
import { type BlockingReason, blockingReasonOf, isPaymentError } from '../../chains/errors.ts';
import type { ChainPort, PreparedTerms } from '../../chains/port.ts';
import type { Stablecoin } from '../../chains/registry.ts';
import type { PaymentIntent } from '../../chains/signing.ts';
import { limits } from '../../platform/limits.ts';
import type { Logger } from '../../platform/logger.ts';
import { startWorker, type Worker } from '../../platform/worker-loop.ts';
import type { SigningGate } from '../holds/gate.ts';
import { acquireLease, releasingLeaseAtStop } from '../lease.ts';
import { readBudget } from '../payments/budget.ts';
import { type FollowOpenDeps, followOpen } from '../payments/follow-open.ts';
import { type SignResult, signNewPayment } from '../payments/send-queue.ts';
import { createWaitingReport } from '../waiting-report.ts';
import {
  refuseSweep,
  type SweepBudget,
  type SweepCost,
  type SweepRefusal,
  takeFromBudget,
  topUpAmount,
} from './economics.ts';
import {
  postponeSweepCandidate,
  readSpentToday,
  removeSweepCandidate,
  type SweepCandidate,
  takeSweepCandidates,
} from './queries.ts';

export interface SweepDeps extends FollowOpenDeps {
  readonly logger: Logger;
  readonly gate: SigningGate;
}

type SweepIntent = PaymentIntent & { readonly kind: 'sweep' | 'authorised_sweep' };

const refusalTexts = {
  costs_too_much: undefined,
  day_is_spent: 'Sweeps have spent sweeps.nativePerDay.',
  coin_is_kept_for_payments: 'The treasury keeps its native coin for payments.',
} as const satisfies Record<SweepRefusal, string | undefined>;

/**
 * Moves the deposits of a chain to the treasury. If the token implements EIP-3009, the treasury submits authorizations that the deposit
 * addresses sign, many in a turn. Otherwise the treasury tops an address up with native coin, and the address sends the tokens itself.
 */
export function startSweepWorker(deps: SweepDeps): Worker {
  const { logger, port } = deps;
  const report = createWaitingReport(logger, port.chain, 'sweeps');
  let turns = 0;
  let notes: string[] = [];
  const worker = startWorker(`sweeps ${port.chain}`, logger, port.config.pollMs, async () => {
    const followed: string[] = [];
    try {
      if (!(await acquireLease(deps, 'sweeps'))) return false;
      await port.reader.head();
      await followOpen(deps, 'sweeps', followed);
      turns += 1;
      if (turns % limits.sweepEveryTurns === 0) {
        notes = [];
        await sweepDeposits(deps, notes);
      }
    } catch (error) {
      if (!isPaymentError(error)) throw error;
      followed.push(error.message);
    }
    report([...followed, ...notes]);
    return false;
  });
  return releasingLeaseAtStop(worker, deps, 'sweeps');
}

/** @param notes receives the reasons why sweeps wait */
async function sweepDeposits(deps: SweepDeps, notes: string[]): Promise<void> {
  const { gate, pool, port } = deps;
  const minimum = port.config.sweepFromMinor;
  if (minimum === undefined) return;
  const held = await gate.blockedBy();
  if (held) {
    notes.push(held.text);
    return;
  }
  const candidates = await authorisedFirst(port, await takeSweepCandidates(pool, port.chain));
  if (candidates.length === 0) return;
  const budget = await readSweepBudget(deps);
  for (const candidate of candidates) {
    if (budget.free <= 0 || !(await acquireLease(deps, 'sweeps'))) return;
    const sweeping = sweepOne(deps, candidate, minimum, budget);
    // A sweep that cannot be made must not hold up the others.
    const blockedBy = await sweeping.catch((error) => blockingReasonOf(error, candidate.address));
    if (blockedBy) notes.push(blockedBy.text);
    if (blockedBy?.policy === 'stop_signing') return;
  }
}

/** Puts the candidates first that a signature moves: one transaction each, and no coin for their addresses. */
async function authorisedFirst(
  { sender }: ChainPort,
  candidates: readonly SweepCandidate[],
): Promise<SweepCandidate[]> {
  const isAuthorised = new Map<Stablecoin, boolean>();
  for (const { currency } of candidates) {
    if (!isAuthorised.has(currency)) isAuthorised.set(currency, await sender.takesAuthorizations(currency));
  }
  const rankOf = ({ currency }: SweepCandidate): number => (isAuthorised.get(currency) ? 0 : 1);
  return [...candidates].sort((a, b) => rankOf(a) - rankOf(b));
}

async function readSweepBudget({ pool, port }: SweepDeps): Promise<SweepBudget> {
  const { freeForSweeps, native, open } = await readBudget(pool, port);
  const spent = await readSpentToday(pool, port, open);
  return { free: freeForSweeps, native, leftToday: port.config.sweeps.nativePerDay - spent };
}

async function sweepOne(
  deps: SweepDeps,
  candidate: SweepCandidate,
  minimum: bigint,
  budget: SweepBudget,
): Promise<BlockingReason | undefined> {
  const { pool, port } = deps;
  const { address, currency, index } = candidate;
  if (port.token(currency) === undefined) return undefined;
  const [amount = 0n] = await port.reader.tokenBalances(currency, [address]);
  if (amount < minimum) {
    await removeSweepCandidate(pool, port.chain, candidate);
    return undefined;
  }
  const kind = (await port.sender.takesAuthorizations(currency)) ? 'authorised_sweep' : 'sweep';
  const sweep: SweepIntent = { kind, currency, amount, address, index };
  const costOf = ({ cost, likelyFeeNative }: PreparedTerms): SweepCost => ({
    treasuryNative: cost.payer === port.sender.treasury ? cost.native : 0n,
    likelyNative: likelyFeeNative,
  });
  const swept = await signWithinBudget(deps, candidate, sweep, amount, costOf, budget);
  if (kind === 'authorised_sweep' || !('blockedBy' in swept) || swept.nativeNeeded === undefined) {
    return 'blockedBy' in swept ? swept.blockedBy : undefined;
  }
  return topUp(deps, candidate, amount, swept.nativeNeeded, budget);
}

/** Gives a deposit address the native coin that it needs for its sweep, as often as the fees outgrow what it has. */
async function topUp(
  deps: SweepDeps,
  candidate: SweepCandidate,
  amountMinor: bigint,
  needed: bigint,
  budget: SweepBudget,
): Promise<BlockingReason | undefined> {
  const { port } = deps;
  const { address, index } = candidate;
  const held = await port.reader.nativeBalance(address);
  const amount = topUpAmount(needed, held, port.config.signing.maxFeeNative);
  if (amount === undefined) {
    return { policy: 'retry', text: 'The native coin that a sweep needs exceeds signing.maxFee.' };
  }
  const intent = { kind: 'top_up', amount, address, index } as const;
  const costOf = ({ cost, likelyFeeNative }: PreparedTerms): SweepCost => ({
    treasuryNative: cost.native,
    likelyNative: amount + likelyFeeNative,
  });
  const sent = await signWithinBudget(deps, candidate, intent, amountMinor, costOf, budget);
  return 'blockedBy' in sent ? sent.blockedBy : undefined;
}

/** A result without a reason that an operator should know: the sweep waits until it costs less. */
const waitsForLowerFees: SignResult = { exists: true };

/** Signs and sends a sweep or a top-up if its cost is worth it and within the budget. */
async function signWithinBudget(
  { pool, port }: SweepDeps,
  candidate: SweepCandidate,
  intent: PaymentIntent,
  amountMinor: bigint,
  costOf: (prepared: PreparedTerms) => SweepCost,
  budget: SweepBudget,
): Promise<SignResult> {
  const { sweeps } = port.config;
  let refusal: SweepRefusal | undefined;
  // Each round is a payment of its own, so that a top-up can be repeated.
  const id = `${intent.kind}:${randomUUID()}`;
  const signed = await signNewPayment(pool, port, id, intent, (prepared) => {
    const cost = costOf(prepared);
    refusal = refuseSweep(amountMinor, cost, sweeps, port.nativeUnit, budget);
    if (refusal) return { policy: 'retry', text: refusalTexts[refusal] ?? refusal };
    takeFromBudget(budget, cost);
    return undefined;
  });
  if (refusal === 'costs_too_much') {
    await postponeSweepCandidate(pool, port.chain, candidate);
    return waitsForLowerFees;
  }
  if ('attempt' in signed) await port.sender.broadcast(signed.attempt);
  return signed;
}
