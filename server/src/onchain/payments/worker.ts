import { type BlockingReason, blockingReasonOf, isPaymentError } from '../../chains/errors.ts';
import type { PreparedTerms } from '../../chains/port.ts';
import { limits } from '../../platform/limits.ts';
import type { Logger } from '../../platform/logger.ts';
import { startWorker, type Worker } from '../../platform/worker-loop.ts';
import { type LiveTransfer, listOpenOnChain } from '../../resources/transfers/queries.ts';
import { nothingArrives } from '../../resources/transfers/transition.ts';
import type { Screener } from '../../screening/port.ts';
import type { SigningGate } from '../holds/gate.ts';
import { findReceivers } from '../internal/queries.ts';
import { acquireLease, releasingLeaseAtStop } from '../lease.ts';
import { carryOutOrders } from '../operator/worker.ts';
import { createWaitingReport } from '../waiting-report.ts';
import { type Budget, readBudget } from './budget.ts';
import { failTransfer } from './commands.ts';
import { type CustomerBudget, createCustomerBudget } from './customer-budget.ts';
import { submitAndBroadcast } from './follow.ts';
import { type FollowOpenDeps, followOpen } from './follow-open.ts';
import { bookInternalTransfers } from './internal-transfers.ts';
import { listWithdrawn } from './queries.ts';
import { fixQuote, type Quote, quotePayment, type TransferIntent } from './quote.ts';
import { screenTransfers } from './screening.ts';
import { type SignResult, signNewPayment, withdrawPayment } from './send-queue.ts';
import { createWaitRecorder, type WaitRecorder } from './waits.ts';

export interface PaymentDeps extends FollowOpenDeps {
  readonly logger: Logger;
  readonly screener: Screener;
  readonly gate: SigningGate;
}

/** What the worker remembers between turns. Losing it has no consequences. */
interface Memory {
  /** Consecutive refusals, by transfer. */
  readonly refusals: Map<string, number>;
  /** Why each payment of this turn waits. */
  readonly waits: Map<string, string>;
  readonly saveWaits: WaitRecorder;
}

/** Sends the live transfers of a chain: screens them, signs, stores and broadcasts their payments, and follows them to their end. */
export function startPaymentWorker(deps: PaymentDeps): Worker {
  const { logger, pool, port } = deps;
  const saveWaits = createWaitRecorder(pool, port.chain);
  const memory: Memory = { refusals: new Map(), waits: new Map(), saveWaits };
  const report = createWaitingReport(logger, port.chain, 'payments');
  const worker = startWorker(`payments ${port.chain}`, logger, port.config.pollMs, async () => {
    const notes: string[] = [];
    try {
      await payOnce(deps, memory, notes);
    } catch (error) {
      if (!isPaymentError(error)) throw error;
      notes.push(error.message);
    }
    report(notes);
    return false;
  });
  return releasingLeaseAtStop(worker, deps, 'payments');
}

/** @param notes receives the reasons why payments wait */
async function payOnce(deps: PaymentDeps, memory: Memory, notes: string[]): Promise<void> {
  await screenTransfers(deps, notes);
  if (!(await acquireLease(deps, 'payments'))) return;
  if (!(await deps.gate.blockedBy())) await bookInternalTransfers(deps, notes);
  await deps.port.reader.head();
  memory.waits.clear();
  const note = (subject: string, text: string) => void memory.waits.set(subject, text);
  await carryOutOrders(deps, (await deps.gate.blockedBy()) === undefined, note);
  await followOpen(deps, 'payments', notes, note);
  const blockedBy = await deps.gate.blockedBy();
  if (blockedBy) {
    notes.push(blockedBy.text);
    await memory.saveWaits(memory.waits);
    return;
  }
  await signReady(deps, memory, notes);
  await memory.saveWaits(memory.waits);
}

/** Signs what the treasury can pay, the oldest transfer first. A transfer that must wait does not hold up later ones. */
async function signReady(deps: PaymentDeps, memory: Memory, notes: string[]): Promise<void> {
  const { pool, port, rates } = deps;
  let budget: Budget | undefined;
  let customers: CustomerBudget | undefined;
  for await (const page of listOpenOnChain(pool, port.chain, 'funds_received')) {
    budget ??= await readBudget(pool, port);
    customers ??= createCustomerBudget(pool, port, budget.open);
    const withdrawn = await listWithdrawn(
      pool,
      page.map(({ id }) => id),
    );
    const internal = await findReceivers(pool, page);
    for (const transfer of page) {
      if (budget.free <= 0) return;
      if (budget.started.has(transfer.id) || internal.has(transfer.id)) continue;
      if (withdrawn.has(transfer.id)) {
        if (!(await acquireLease(deps, 'payments'))) return;
        // The process that withdrew it ended before the transfer failed.
        await fail(deps, transfer, 'It cannot be sent.');
        continue;
      }
      const quote = quotePayment(transfer, rates, Date.now());
      const waitsFor = blockedByBudget(quote, budget);
      if (waitsFor) {
        notes.push(waitsFor.text);
        memory.waits.set(transfer.id, waitsFor.text);
        continue;
      }
      if (!(await acquireLease(deps, 'payments'))) return;
      const blockedBy = await pay(deps, memory, { ...{ budget, customers }, transfer, quote });
      if (blockedBy) notes.push(blockedBy.text);
      if (blockedBy) memory.waits.set(transfer.id, blockedBy.text);
      if (blockedBy?.policy === 'stop_signing') return;
    }
  }
}

/** Why a quote cannot be paid now; undefined if it can, or if its transfer must fail. */
function blockedByBudget(quote: Quote, { tokens }: Budget): BlockingReason | undefined {
  switch (quote.kind) {
    case 'blocked':
      return quote.blockedBy;
    case 'nothing_arrives':
      return undefined;
    case 'payable': {
      const { amount, currency } = quote.intent;
      if ((tokens.get(currency) ?? 0n) >= amount) return undefined;
      return { policy: 'retry', text: `The treasury has too little ${currency}.` };
    }
  }
}

/** A transfer that is to be paid now, and what limits it. */
interface DueTransfer {
  readonly transfer: LiveTransfer;
  readonly quote: Quote;
  readonly budget: Budget;
  readonly customers: CustomerBudget;
}

/** Pays a transfer, or fails it if nothing would arrive. @returns why it waits */
async function pay(
  deps: PaymentDeps,
  memory: Memory,
  { budget, customers, quote, transfer }: DueTransfer,
): Promise<BlockingReason | undefined> {
  if (quote.kind === 'blocked') return quote.blockedBy;
  if (quote.kind === 'nothing_arrives') {
    await deps.writer.submit(failTransfer(transfer, 'funds_received', nothingArrives));
    return undefined;
  }
  try {
    const intent = await fixQuote(deps.writer, transfer, quote);
    if (!intent) return undefined;
    const admitCustomer = await customers.admissionOf(transfer);
    const admitAll = (prepared: PreparedTerms) => admitCustomer(prepared) ?? admit(deps, budget, prepared);
    const signed = await signWithinBudget(budget, intent, () =>
      signNewPayment(deps.pool, deps.port, transfer.id, intent, admitAll),
    );
    if ('blockedBy' in signed) {
      await applyPolicy(deps, memory, transfer, intent, signed.blockedBy);
      return signed.blockedBy;
    }
    memory.refusals.delete(transfer.id);
    if ('attempt' in signed) await submitAndBroadcast(deps, transfer, signed.attempt);
    return undefined;
  } catch (error) {
    return blockingReasonOf(error, transfer.id);
  }
}

/** Why the treasury's native coin does not cover a payment together with those that are on their way. */
function admit({ port }: PaymentDeps, budget: Budget, { cost }: PreparedTerms): BlockingReason | undefined {
  if (cost.payer !== port.sender.treasury) return undefined;
  if (cost.native > budget.native) {
    return {
      policy: 'retry',
      text: 'The treasury has too little native coin beside what waits for a block.',
    };
  }
  budget.native -= cost.native;
  return undefined;
}

/**
 * Signs a transfer's payment within the budget. A payment that may have been reserved counts as spent, even if signing throws; only one
 * that is certainly not reserved does not.
 */
async function signWithinBudget(
  budget: Budget,
  { amount, currency }: TransferIntent,
  sign: () => Promise<SignResult>,
): Promise<SignResult> {
  const change = (by: bigint): void =>
    void budget.tokens.set(currency, (budget.tokens.get(currency) ?? 0n) + by);
  change(-amount);
  budget.free -= 1;
  const result = await sign();
  if ('attempt' in result) return result;
  change(amount);
  budget.free += 1;
  return result;
}

/** Fails a transfer that is refused repeatedly. One refusal is not enough: a node may be wrong, or the policy may be changed. */
async function applyPolicy(
  deps: PaymentDeps,
  { refusals }: Memory,
  transfer: LiveTransfer,
  intent: TransferIntent,
  blockedBy: BlockingReason,
): Promise<void> {
  switch (blockedBy.policy) {
    case 'retry':
    case 'stop_signing':
    case 'ask_operator':
      return;
    case 'refuse': {
      const count = (refusals.get(transfer.id) ?? 0) + 1;
      refusals.set(transfer.id, count);
      if (count < limits.refusalsBeforeFailure) return;
      refusals.delete(transfer.id);
      const { pool, port } = deps;
      // Another process may be signing it: the transfer fails only if nobody can reserve its payment any more.
      const { treasury } = port.sender;
      if (!(await withdrawPayment(pool, port.chain, treasury, transfer.id, intent))) return;
      await fail(deps, transfer, blockedBy.clientText);
    }
  }
}

async function fail({ writer }: PaymentDeps, transfer: LiveTransfer, text: string): Promise<void> {
  await writer.submit(failTransfer(transfer, 'funds_received', { code: null, text }));
}
