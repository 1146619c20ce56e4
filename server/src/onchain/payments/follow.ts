import { type BlockingReason, blockingReasonOf, ChainError, SignerRefusal } from '../../chains/errors.ts';
import { gasFeeMinor } from '../../chains/gas-fee.ts';
import type { ChainPort, PaymentState, SignedAttempt } from '../../chains/port.ts';
import type { Stablecoin } from '../../chains/registry.ts';
import { parseRatio } from '../../platform/money.ts';
import type { RateProvider } from '../../rates/provider.ts';
import { findLiveTransfers, type LiveTransfer } from '../../resources/transfers/queries.ts';
import { chainRefused } from '../../resources/transfers/transition.ts';
import type { Pool } from '../../store/pool.ts';
import type { TransactionStatus } from '../../store/tables/transactions.ts';
import type { Command } from '../../writer/command.ts';
import type { Writer } from '../../writer/writer.ts';
import { recordSequences } from '../outflows/commands.ts';
import { type Attention, saveAttention } from './attention.ts';
import { completeTransfer, failTransfer, reverseTransfer, submitTransfer } from './commands.ts';
import type { OpenPayment } from './queries.ts';
import { proofOf } from './quote.ts';
import { endPayment, signAndStore, signReservedPayment } from './send-queue.ts';

/** What following a payment needs. */
export interface FollowDeps {
  readonly pool: Pool;
  readonly writer: Writer;
  readonly port: ChainPort;
  readonly rates: RateProvider | undefined;
}

/**
 * Reads the state of an open payment from the chain, and takes the next step.
 *
 * @param transfer the transfer that it pays; undefined for treasury operations, and if its row is missing or not authentic
 * @param reorganisations how many deep reorganisations were known before: a payment that was judged before another one stays open
 * @returns why it waits, if an operator should know
 */
export async function followPayment(
  deps: FollowDeps,
  stored: OpenPayment,
  transfer: LiveTransfer | undefined,
  reorganisations: number,
): Promise<BlockingReason | undefined> {
  const { pool, port } = deps;
  const payment = withProof(stored, transfer);
  const { attempts, id } = payment;
  const newest = attempts.at(-1);
  if (!newest) {
    const signed = await signReservedPayment(pool, port, payment);
    if ('attempt' in signed) await submitAndBroadcast(deps, transfer, signed.attempt);
    return 'blockedBy' in signed ? signed.blockedBy : undefined;
  }
  // The transfer may have ended otherwise: broadcasting or ending its payment without it could pay and refund the same money.
  if (payment.intent.kind === 'transfer' && !transfer) {
    return askOperator(`The payment of ${id} waits: its transfer is missing or not authentic.`);
  }
  // The process may have ended after it had stored the attempt.
  if (transfer?.status === 'funds_received') await markSubmitted(deps, transfer, newest.txHash);
  const state = await port.sender.follow(payment, attempts, Date.now() - payment.signedAtMs);
  const attention = attentionOf(payment, transfer, state);
  await saveAttention(pool, id, payment.attention, attention);
  // What has used the nonce may have made another payment of the books.
  if (state.kind === 'replaced') await recordSequences(pool, port.chain, payment.sender, [payment.sequence]);
  if (attention) return askOperator(attention.detail);
  switch (state.kind) {
    case 'waiting':
      if (!state.isKnown) await broadcastAny(port, attempts);
      return state.blockedBy;
    case 'stuck':
      return replaceAttempt(deps, payment, transfer, state.terms);
    case 'unclear':
    case 'replaced':
      return undefined;
    case 'final':
      await settlePayment(deps, payment, transfer, state, reorganisations);
      return undefined;
  }
}

/** Why the payment waits for an operator; undefined if it goes on. Nothing is sent, refunded or booked meanwhile. */
function attentionOf(
  { id, sender, sequence }: OpenPayment,
  transfer: LiveTransfer | undefined,
  state: PaymentState,
): Attention | undefined {
  const hasEnded = transfer?.status === 'failed' || transfer?.status === 'refunded';
  switch (state.kind) {
    case 'unclear': {
      const found = `${state.txHash} in block ${state.height} succeeded without moving its tokens`;
      return { reason: 'unclear', detail: `The payment of ${id} is unclear: ${found}.` };
    }
    case 'replaced': {
      const detail = `Nonce ${sequence} of ${sender} was used by a transaction that was not signed for ${id}.`;
      return { reason: 'nonce_taken', detail };
    }
    case 'waiting':
    case 'stuck': {
      if (!hasEnded) return undefined;
      return {
        reason: 'transfer_ended',
        detail: `The payment of ${id} is not sent: the transfer is ${transfer.status}.`,
      };
    }
    case 'final': {
      if (!hasEnded || !state.ok) return undefined;
      return {
        reason: 'transfer_ended',
        detail: `The payment of ${id} was made, but the transfer is ${transfer.status}.`,
      };
    }
  }
}

/** Ends a payment, and before it the transfer that it pays, as the chain says. */
export async function settlePayment(
  deps: FollowDeps,
  payment: OpenPayment,
  transfer: LiveTransfer | undefined,
  state: PaymentState & { kind: 'final' },
  reorganisations: number,
): Promise<void> {
  if (transfer) await endTransfer(deps, payment, transfer, state);
  await endPayment(deps.pool, deps.port.chain, payment.id, state, reorganisations);
}

function askOperator(text: string): BlockingReason {
  return { policy: 'ask_operator', text };
}

/** Adds the proof, which is stored with the transfer and does not depend on the payment's row. */
export function withProof(payment: OpenPayment, transfer: LiveTransfer | undefined): OpenPayment {
  const { intent } = payment;
  if (!transfer || intent.kind !== 'transfer') return payment;
  return { ...payment, intent: { ...intent, proof: proofOf(transfer) } };
}

/** Broadcasts the newest attempt that nodes accept. The sender may be unable to pay the higher fee of the newest by now. */
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

/** @throws ChainError if the transfer's status does not allow a payment; nothing must be sent then */
export async function markSubmitted(
  { writer }: FollowDeps,
  transfer: LiveTransfer,
  txHash: string,
): Promise<void> {
  const outcome = await writer.submit(submitTransfer(transfer, txHash));
  if (outcome.kind === 'accepted') return;
  throw new ChainError(`The payment of ${transfer.id} is not sent: the transfer has ended.`);
}

/** Marks the transfer as submitted and broadcasts the payment, in this order: the API knows of every transaction in the chain. */
export async function submitAndBroadcast(
  deps: FollowDeps,
  transfer: LiveTransfer | undefined,
  attempt: SignedAttempt,
): Promise<void> {
  if (transfer) await markSubmitted(deps, transfer, attempt.txHash);
  await deps.port.sender.broadcast(attempt);
}

/** Signs the payment again at new terms. The chain accepts at most one of its transactions. */
export async function replaceAttempt(
  deps: FollowDeps,
  payment: OpenPayment,
  transfer: LiveTransfer | undefined,
  terms: string,
): Promise<BlockingReason | undefined> {
  try {
    const again = await signAndStore(deps.pool, deps.port, payment, payment.attempts, terms);
    await submitAndBroadcast(deps, transfer, again);
    return undefined;
  } catch (error) {
    // An earlier attempt may still be mined: the payment waits whatever the refusal is.
    if (error instanceof SignerRefusal && error.code !== 'not_expired') {
      return askOperator(`The signer refuses to sign ${payment.id} again: ${error.message}`);
    }
    return blockingReasonOf(error, payment.id);
  }
}

/** @throws ChainError if the transfer cannot end as its payment did; the payment stays open then */
async function endTransfer(
  deps: FollowDeps,
  payment: OpenPayment,
  transfer: LiveTransfer,
  state: PaymentState & { kind: 'final' },
): Promise<void> {
  const outcome = await deps.writer.submit(endCommand(deps, payment, transfer, state));
  if (outcome.kind === 'accepted') return;
  // The process may have ended after it had ended the transfer.
  const status = (await findLiveTransfers(deps.pool, [transfer.id])).get(transfer.id)?.status;
  if (status === (state.ok ? 'completed' : 'refunded')) return;
  throw new ChainError(`The payment of ${transfer.id} has ended, but the transfer is ${status}.`);
}

function endCommand(
  { port, rates }: FollowDeps,
  { isReopened }: OpenPayment,
  transfer: LiveTransfer,
  state: PaymentState & { kind: 'final' },
): Command<TransactionStatus> {
  if (!state.ok && isReopened && transfer.status === 'completed')
    return reverseTransfer(transfer, chainRefused);
  if (!state.ok) return failTransfer(transfer, 'payment_submitted', chainRefused);
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
