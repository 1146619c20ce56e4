import { gasFeeMinor } from '../../chains/gas-fee.ts';
import { ChainError, type ChainPort, type PaymentState, type SignedAttempt } from '../../chains/port.ts';
import type { Stablecoin } from '../../chains/registry.ts';
import { SignerRefusal } from '../../custody/intent.ts';
import { parseRatio } from '../../platform/money.ts';
import type { RateProvider } from '../../rates/provider.ts';
import { findLiveTransfers, type LiveTransfer } from '../../resources/transfers/queries.ts';
import { chainRefused } from '../../resources/transfers/transition.ts';
import type { Pool } from '../../store/pool.ts';
import type { TransactionStatus } from '../../store/rows.ts';
import type { Command } from '../../writer/command.ts';
import type { Writer } from '../../writer/writer.ts';
import { completeTransfer, failTransfer, submitTransfer } from './commands.ts';
import { proofOf } from './price.ts';
import { endPayment, type OpenPayment, signPlaced } from './queries.ts';
import { signPlacedPayment } from './sign.ts';

/** What following a payment needs. */
export interface FollowDeps {
  readonly pool: Pool;
  readonly writer: Writer;
  readonly port: ChainPort;
  readonly rates: RateProvider | undefined;
}

/**
 * Looks at one payment that is on its way, and does what is next for it.
 *
 * @param transfer what it pays; undefined for errands of our own
 * @returns what keeps it waiting, in words, if that is for the operator
 */
export async function followPayment(
  deps: FollowDeps,
  stored: OpenPayment,
  transfer: LiveTransfer | undefined,
): Promise<string | undefined> {
  const { pool, port } = deps;
  const payment = withProof(stored, transfer);
  const { attempts } = payment;
  const last = attempts.at(-1);
  if (!last) {
    const signed = await signPlacedPayment(pool, port, payment);
    if ('note' in signed) return signed.note;
    if ('attempt' in signed) await tellAndSend(deps, transfer, signed.attempt);
    return undefined;
  }
  // The process may have ended between the storing and the telling.
  if (transfer?.status === 'funds_received') await tell(deps, transfer, last.txHash);
  const state = await port.sender.follow(payment, attempts, Date.now() - payment.signedAtMs);
  const hasEnded = transfer?.status === 'failed' || transfer?.status === 'refunded';
  if (hasEnded && state.kind !== 'final') {
    return `The payment of ${payment.id} is not sent: the transfer is ${transfer.status}.`;
  }
  switch (state.kind) {
    case 'waiting':
      if (!state.isKnown) await broadcastAny(port, attempts);
      return undefined;
    case 'stuck':
      return replace(deps, payment, transfer, state.terms);
    case 'displaced':
      return `The place ${payment.sequence} of ${payment.sender} was taken by another transaction than those of ${payment.id}.`;
    case 'final':
      if (transfer) await end(deps, transfer, state);
      await endPayment(pool, payment.id, state);
      return undefined;
  }
}

/** The proof is kept with the transfer: it is for this one, wherever its payment says that the money goes. */
function withProof(payment: OpenPayment, transfer: LiveTransfer | undefined): OpenPayment {
  const { intent } = payment;
  if (!transfer || intent.kind !== 'transfer') return payment;
  return { ...payment, intent: { ...intent, proof: proofOf(transfer) } };
}

/** The newest that the nodes take: what was offered a higher fee may be too dear for its sender by now. */
async function broadcastAny({ sender }: ChainPort, attempts: readonly SignedAttempt[]): Promise<void> {
  let fault: unknown;
  for (const attempt of [...attempts].reverse()) {
    try {
      return await sender.broadcast(attempt);
    } catch (error) {
      if (!(error instanceof ChainError)) throw error;
      fault ??= error;
    }
  }
  throw fault;
}

/** @throws ChainError when the transfer is in no state to be paid: then nothing may be sent for it */
async function tell({ writer }: FollowDeps, transfer: LiveTransfer, txHash: string): Promise<void> {
  const outcome = await writer.submit(submitTransfer(transfer, txHash));
  if (outcome.kind === 'accepted') return;
  throw new ChainError(`The payment of ${transfer.id} is not sent: the transfer has ended.`);
}

/** The transfer is told before anybody else is: nothing is in the chain that the API does not know of. */
export async function tellAndSend(
  deps: FollowDeps,
  transfer: LiveTransfer | undefined,
  attempt: SignedAttempt,
): Promise<void> {
  if (transfer) await tell(deps, transfer, attempt.txHash);
  await deps.port.sender.broadcast(attempt);
}

/** The same payment in the same place, for a higher fee: of the two, the chain takes one. */
async function replace(
  deps: FollowDeps,
  payment: OpenPayment,
  transfer: LiveTransfer | undefined,
  terms: string,
): Promise<string | undefined> {
  try {
    const again = await signPlaced(deps.pool, deps.port, payment, payment.attempts, terms);
    await tellAndSend(deps, transfer, again);
    return undefined;
  } catch (error) {
    if (error instanceof SignerRefusal)
      return `The signer refuses a higher fee for ${payment.id}: ${error.message}`;
    throw error;
  }
}

/** @throws ChainError when the transfer could not be ended as its payment has: the payment stays open then */
async function end(
  deps: FollowDeps,
  transfer: LiveTransfer,
  state: PaymentState & { kind: 'final' },
): Promise<void> {
  const outcome = await deps.writer.submit(endOf(deps, transfer, state));
  if (outcome.kind === 'accepted') return;
  // The process may have ended after it had ended the transfer.
  const now = (await findLiveTransfers(deps.pool, [transfer.id])).get(transfer.id)?.status;
  if (now === (state.ok ? 'completed' : 'refunded')) return;
  throw new ChainError(`The payment of ${transfer.id} has ended, but the transfer is ${now}.`);
}

function endOf(
  { port, rates }: FollowDeps,
  transfer: LiveTransfer,
  state: PaymentState & { kind: 'final' },
): Command<TransactionStatus> {
  if (!state.ok) {
    return failTransfer(transfer, 'payment_submitted', chainRefused);
  }
  const eurPerUsd = rates?.quote('usd', 'eurc', Date.now())?.midRate;
  const fee = gasFeeMinor(
    state.feeNative,
    port.nativeUnit,
    transfer.source_currency as Stablecoin,
    port.config.nativeUsd,
    eurPerUsd === undefined ? undefined : parseRatio(eurPerUsd),
  );
  return completeTransfer(transfer, state.txHash, fee);
}
