import { ChainError, type ChainPort } from '../../chains/port.ts';
import type { Stablecoin } from '../../chains/registry.ts';
import { SignerUnavailableError } from '../../custody/remote-signer.ts';
import { limits } from '../../platform/limits.ts';
import type { Logger } from '../../platform/logger.ts';
import { startWorker, type Worker } from '../../platform/worker-loop.ts';
import { findLiveTransfers, type LiveTransfer, listOpenOnChain } from '../../resources/transfers/queries.ts';
import type { Screener, ScreeningSubject, ScreeningVerdict } from '../../screening/port.ts';
import { holdChain } from '../cursor.ts';
import { leavingAtEnd } from '../lease.ts';
import { sweepDeposits } from '../sweeps/worker.ts';
import { failTransfer, screenTransfer } from './commands.ts';
import { type FollowDeps, followPayment, tellAndSend } from './follow.ts';
import { obstacleTo, priceForSending, type TransferIntent } from './quote.ts';
import { listPayments, listWithdrawn, withdrawPayment } from './queries.ts';
import { type Budget, readBudget, type Signed, signNewPayment } from './send-queue.ts';

export interface PayDeps extends FollowDeps {
  readonly logger: Logger;
  readonly screener: Screener;
  /** Names this process. */
  readonly holder: string;
}

/** What is remembered from turn to turn; losing it does no harm. */
interface Memory {
  /** How often in a row the token contract refused a transfer. */
  readonly refusals: Map<string, number>;
  reported: string;
  turns: number;
}

/**
 * Sends live transfers on a chain: screens them, signs and stores their payments, broadcasts them, and follows them to
 * their end.
 */
export function startChainPay(deps: PayDeps): Worker {
  const { logger, port } = deps;
  const memory: Memory = { refusals: new Map(), reported: '', turns: 0 };
  const worker = startWorker(`pay ${port.chain}`, logger, port.config.pollMs, async () => {
    const notes: string[] = [];
    try {
      await payOnce(deps, memory, notes);
    } catch (error) {
      notes.push(hindranceOf(error));
    }
    report(deps, memory, notes);
    return false;
  });
  return leavingAtEnd(worker, deps);
}

/** What keeps payments waiting is logged when it changes, not at every turn. */
function report({ logger, port }: PayDeps, memory: Memory, notes: readonly string[]): void {
  const text = [...new Set(notes)].sort().join(' ');
  if (text === memory.reported) return;
  memory.reported = text;
  if (text === '') logger.info({ chain: port.chain }, 'payments are sent again');
  else logger.warn({ chain: port.chain, fault: text }, 'payments wait');
}

/** @param notes takes what keeps payments waiting, in words */
async function payOnce(deps: PayDeps, memory: Memory, notes: string[]): Promise<void> {
  const { pool, port } = deps;
  await screenNew(deps, notes);
  if (!(await holdChain(pool, port.chain, deps.holder))) return;
  await port.reader.head();
  await followAll(deps, notes);
  await signReady(deps, memory, notes);
  memory.turns += 1;
  if (memory.turns % limits.sweepEveryTurns === 0) await sweepDeposits(deps, notes);
}

async function screenNew(deps: PayDeps, notes: string[]): Promise<void> {
  for await (const page of listOpenOnChain(deps.pool, deps.port.chain, 'in_review')) {
    for (const transfer of page) {
      try {
        await screenOne(deps, transfer);
      } catch (error) {
        notes.push(`A transfer cannot be screened: ${(error as Error).message}`);
      }
    }
  }
}

async function screenOne({ port, screener, writer }: PayDeps, transfer: LiveTransfer): Promise<void> {
  const verdict = await screen(screener, port, {
    transferId: transfer.id,
    customerId: transfer.customer_id,
    chain: port.chain,
    currency: transfer.source_currency as Stablecoin,
    amountMinor: transfer.amount_minor,
    address: transfer.destination_address,
  });
  await writer.submit(screenTransfer(transfer, verdict));
}

/** What would be sent to where it comes from would be sent nowhere. */
async function screen(
  screener: Screener,
  { comparable, sender }: ChainPort,
  subject: ScreeningSubject,
): Promise<ScreeningVerdict> {
  if (comparable(subject.address) === comparable(sender.treasury)) {
    return { verdict: 'reject', reason: 'The address is the one that transfers are sent from.' };
  }
  return screener.screen(subject);
}

async function followAll(deps: PayDeps, notes: string[]): Promise<void> {
  const open = await listPayments(deps.pool, deps.port.chain);
  const ids = open.filter(({ intent }) => intent.kind === 'transfer').map(({ id }) => id);
  const transfers = ids.length === 0 ? new Map() : await findLiveTransfers(deps.pool, ids);
  for (const payment of open) {
    if (!(await holdChain(deps.pool, deps.port.chain, deps.holder))) return;
    const note = await orNote(followPayment(deps, payment, transfers.get(payment.id)));
    if (note !== undefined) notes.push(note);
  }
}

/** What hinders one payment need not hinder the others. */
async function orNote(work: Promise<string | undefined>): Promise<string | undefined> {
  try {
    return await work;
  } catch (error) {
    return hindranceOf(error);
  }
}

/** A chain or a signer that is away comes back. @throws error when it is something else */
function hindranceOf(error: unknown): string {
  if (error instanceof ChainError || error instanceof SignerUnavailableError) return error.message;
  throw error;
}

/** Signs what the treasury can pay now, the oldest first. What has to wait holds up nothing after it. */
async function signReady(deps: PayDeps, memory: Memory, notes: string[]): Promise<void> {
  const { pool, port } = deps;
  let budget: Budget | undefined;
  for await (const page of listOpenOnChain(pool, port.chain, 'funds_received')) {
    budget ??= await readBudget(pool, port);
    const ids = page.map(({ id }) => id);
    const withdrawn = await listWithdrawn(pool, ids);
    for (const transfer of page) {
      if (budget.free <= 0) return;
      if (budget.started.has(transfer.id)) continue;
      const obstacle = withdrawn.has(transfer.id)
        ? undefined
        : obstacleTo(transfer, budget.tokens, deps.rates);
      if (obstacle !== undefined) {
        notes.push(obstacle);
        continue;
      }
      if (!(await holdChain(pool, port.chain, deps.holder))) return;
      // Its process ended before it told the transfer so.
      if (withdrawn.has(transfer.id)) await fail(deps, transfer, 'It cannot be sent.');
      else notes.push(...(await signOne(deps, memory, budget, transfer)));
    }
  }
}

/**
 * @returns what keeps it waiting, in words
 * @throws SignerUnavailableError which keeps all waiting: each of them would take a place that nobody has counted
 */
async function signOne(
  deps: PayDeps,
  memory: Memory,
  budget: Budget,
  transfer: LiveTransfer,
): Promise<string[]> {
  try {
    const intent = await priceForSending(deps, transfer);
    if (!intent) return [];
    const signed = await spending(budget, intent, () =>
      signNewPayment(deps.pool, deps.port, transfer.id, intent),
    );
    if ('note' in signed) {
      const { note, refusal } = signed;
      if (refusal !== undefined) await countRefusal(deps, memory, transfer, intent, refusal);
      return [note];
    }
    memory.refusals.delete(transfer.id);
    if ('attempt' in signed) await tellAndSend(deps, transfer, signed.attempt);
    return [];
  } catch (error) {
    if (error instanceof ChainError) return [error.message];
    throw error;
  }
}

/** What may have got a place is counted as spent, whatever becomes of it; only what surely has none is not. */
async function spending(
  budget: Budget,
  { amount, currency }: TransferIntent,
  sign: () => Promise<Signed>,
): Promise<Signed> {
  const change = (by: bigint): void =>
    void budget.tokens.set(currency, (budget.tokens.get(currency) ?? 0n) + by);
  change(-amount);
  budget.free -= 1;
  const signed = await sign();
  if ('attempt' in signed) return signed;
  change(amount);
  budget.free += 1;
  return signed;
}

/** One node may be wrong, or a moment behind, and a policy be mended: only what is refused again and again has failed. */
async function countRefusal(
  deps: PayDeps,
  { refusals }: Memory,
  transfer: LiveTransfer,
  intent: TransferIntent,
  text: string,
): Promise<void> {
  const times = (refusals.get(transfer.id) ?? 0) + 1;
  refusals.set(transfer.id, times);
  if (times < limits.refusalsBeforeFailure) return;
  refusals.delete(transfer.id);
  const { pool, port } = deps;
  // Another process may be sending it at this moment: it fails only when nobody can any more.
  const { treasury } = port.sender;
  if (!(await withdrawPayment(pool, port.chain, treasury, transfer.id, intent))) return;
  await fail(deps, transfer, text);
}

async function fail({ writer }: PayDeps, transfer: LiveTransfer, text: string): Promise<void> {
  await writer.submit(failTransfer(transfer, 'funds_received', { code: null, text }));
}
