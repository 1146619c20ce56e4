import type { BlockingReason } from '../../chains/errors.ts';
import { isStablecoin, type Stablecoin } from '../../chains/registry.ts';
import { limits } from '../../platform/limits.ts';
import { findLiveTransfers, type LiveTransfer } from '../../resources/transfers/queries.ts';
import type { Cause } from '../../resources/transfers/state.ts';
import type { OperatorActionRow } from '../../store/tables/chains.ts';
import { countReorganisations } from '../cursor.ts';
import { completeTransfer, failTransfer, submitTransfer } from '../payments/commands.ts';
import {
  type FollowDeps,
  markSubmitted,
  replaceAttempt,
  settlePayment,
  withProof,
} from '../payments/follow.ts';
import { listPayments, type OpenPayment } from '../payments/queries.ts';
import { endPaymentByOrder, withdrawPayment } from '../payments/send-queue.ts';
import { moveAction } from './commands.ts';
import { findUseOf, readPaidAmount } from './evidence.ts';
import { findPayment, listAttempts, type PaymentRecord } from './queries.ts';
import { findReturnProof, withReturnProof } from './return-proofs.ts';
import { hasNonces, parametersOf } from './state.ts';
import { voidPayment } from './void-attempts.ts';

/** What the client reads of a payment that was cancelled, and of one that never arrived. */
const cancelled: Cause = { code: null, text: 'The payment was cancelled.' };
const notArrived: Cause = { code: null, text: 'The payment did not arrive.' };

/** A step of an action. @returns why it waits; undefined if it has ended or goes on in the next turn */
export type ActionHandler = (
  deps: FollowDeps,
  action: OperatorActionRow,
) => Promise<BlockingReason | undefined>;

/** Ends an action. A refused one has changed nothing, or found the payment ended otherwise. */
export async function endAction(
  { writer }: Pick<FollowDeps, 'writer'>,
  action: OperatorActionRow,
  status: 'done' | 'refused',
  result: string,
): Promise<undefined> {
  await writer.submit(moveAction(action, status, result));
  return undefined;
}

/** The payment of an action as the books have it. */
interface Subject {
  readonly record: PaymentRecord | undefined;
  readonly transfer: LiveTransfer | undefined;
  /** The payment if it is open and authentic. */
  readonly payment: OpenPayment | undefined;
}

async function readSubject({ pool, port }: FollowDeps, id: string): Promise<Subject> {
  const record = await findPayment(pool, id);
  const transfer = (await findLiveTransfers(pool, [id])).get(id);
  const open = record?.status === 'open' ? await listPayments(pool, port.chain) : [];
  const stored = open.find((payment) => payment.id === id);
  if (stored?.intent.kind === 'deposit_return') {
    return { record, transfer, payment: withReturnProof(stored, await findReturnProof(pool, id)) };
  }
  return { record, transfer, payment: stored && withProof(stored, transfer) };
}

/** Replaces the newest transaction of a payment at a higher fee. */
export const bumpPayment: ActionHandler = async (deps, action) => {
  const { payment, record, transfer } = await readSubject(deps, action.subject);
  if (record?.status !== 'open')
    return endAction(deps, action, 'refused', `The payment is ${record?.status}.`);
  if (!payment) return notAuthentic(action);
  if (!hasNonces(deps.port.chain)) {
    const rule =
      'Only on chains with nonces a payment is replaced; on others it expires and is signed again.';
    return endAction(deps, action, 'refused', rule);
  }
  const { attempts } = payment;
  if (attempts.length === 0) return endAction(deps, action, 'refused', 'Nothing has been signed yet.');
  // The process may have ended after it had replaced the transaction.
  if (attempts.length > Number(parametersOf(action).attempts)) {
    return endAction(deps, action, 'done', `It was replaced by ${attempts.at(-1)?.txHash}.`);
  }
  const state = await deps.port.sender.follow(payment, attempts, 0);
  if (state.kind !== 'waiting' && state.kind !== 'stuck') {
    return endAction(deps, action, 'refused', 'Its nonce has been used: it cannot be replaced any more.');
  }
  const raised = await deps.port.sender.prepareReplacement(payment, attempts);
  if ('blockedBy' in raised) return endAction(deps, action, 'refused', raised.blockedBy.text);
  const blockedBy = await replaceAttempt(deps, payment, transfer, raised.terms);
  if (blockedBy && blockedBy.policy !== 'ask_operator') return blockedBy;
  if (blockedBy) return endAction(deps, action, 'refused', blockedBy.text);
  return endAction(deps, action, 'done', 'It was replaced at a higher fee.');
};

/** Makes sure that a payment can never land, and then refunds its transfer. */
export const cancelPayment: ActionHandler = async (deps, action) => {
  const { pool, port, writer } = deps;
  const { payment, record, transfer } = await readSubject(deps, action.subject);
  if (!record || record.status === 'withdrawn') return cancelUnsent(deps, action, transfer, cancelled);
  if (record.status === 'completed') {
    return endAction(deps, action, 'refused', `It was paid by ${record.tx_hash}.`);
  }
  if (record.status === 'failed') return refund(deps, action, transfer, cancelled);
  if (!payment) return notAuthentic(action);
  if (action.status === 'requested') {
    await writer.submit(moveAction(action, 'accepted', null));
    return undefined;
  }
  const { attempts } = payment;
  const reorganisations = await countReorganisations(pool, port.chain);
  const voids = await listAttempts(pool, 'void_attempts', payment.id);
  if (await isDead(deps, payment, record)) {
    const hash = voids.at(-1)?.txHash ?? attempts.at(-1)?.txHash;
    if (!(await endPaymentByOrder(pool, payment.id, attempts.length, hash))) return undefined;
    return refund(deps, action, transfer, cancelled);
  }
  if (attempts.length === 0) return voidPayment(pool, port, payment, voids);
  const state = await port.sender.follow(payment, attempts, 0);
  if (state.kind === 'unclear') {
    const text = `${state.txHash} succeeded without moving its tokens: state what became of it.`;
    return { policy: 'ask_operator', text };
  }
  if (state.kind !== 'final') return voidPayment(pool, port, payment, voids);
  if (transfer?.status === 'funds_received') await markSubmitted(deps, transfer, state.txHash);
  await settlePayment(deps, payment, transfer, state, reorganisations);
  return state.ok
    ? endAction(deps, action, 'refused', `It was paid by ${state.txHash} before it could be cancelled.`)
    : endAction(deps, action, 'done', `The chain refused ${state.txHash}.`);
};

/** Whether no transaction of a payment can ever land. */
async function isDead({ port }: FollowDeps, payment: OpenPayment, record: PaymentRecord): Promise<boolean> {
  const { attempts } = payment;
  if (attempts.length > 0 || hasNonces(port.chain)) return port.sender.canNeverLand(payment, attempts);
  // What the signer may still be signing reaches nobody but the process that asked, which stores nothing any more.
  return Date.now() - Date.parse(record.created_at) > limits.unsignedPaymentMs;
}

async function cancelUnsent(
  deps: FollowDeps,
  action: OperatorActionRow,
  transfer: LiveTransfer | undefined,
  cause: Cause,
): Promise<BlockingReason | undefined> {
  const { pool, port } = deps;
  if (!transfer) return notAuthentic(action);
  if (transfer.status === 'funds_received') {
    const { destination_address: address, destination_currency: to, final_minor: final, id } = transfer;
    const intent = {
      kind: 'transfer',
      currency: to as Stablecoin,
      address,
      amount: final ?? transfer.net_minor,
    } as const;
    // Another process may reserve the payment in the meantime; the next turn then sees it.
    if (!(await withdrawPayment(pool, port.chain, port.sender.treasury, id, intent))) return undefined;
  }
  return refund(deps, action, transfer, cause);
}

/** Fails a transfer of which nothing can be paid any more. Idempotent. */
async function refund(
  deps: FollowDeps,
  action: OperatorActionRow,
  transfer: LiveTransfer | undefined,
  cause: Cause,
): Promise<BlockingReason | undefined> {
  if (!transfer) return endAction(deps, action, 'done', 'It can never land.');
  const { id, status } = transfer;
  if (status === 'funds_received' || status === 'payment_submitted') {
    await deps.writer.submit(failTransfer(transfer, status, cause));
  }
  const now = (await findLiveTransfers(deps.pool, [id])).get(id)?.status;
  if (now === 'refunded') {
    return endAction(deps, action, 'done', 'It can never land; its transfer is refunded.');
  }
  return endAction(deps, action, 'refused', `Its transfer is ${now}.`);
}

/** An operator states what became of a payment; the chain has to confirm it. */
export const resolvePayment: ActionHandler = async (deps, action) => {
  const { txHash } = parametersOf(action);
  return txHash === undefined ? resolveNotPaid(deps, action) : resolvePaid(deps, action, txHash);
};

const mayLand = 'Its own transaction may still land: wait, or use `payments cancel`.';

async function resolveNotPaid(
  deps: FollowDeps,
  action: OperatorActionRow,
): Promise<BlockingReason | undefined> {
  const { payment, record, transfer } = await readSubject(deps, action.subject);
  if (!record || record.status === 'withdrawn') return cancelUnsent(deps, action, transfer, notArrived);
  if (record.status === 'completed') {
    return endAction(deps, action, 'refused', `It was paid by ${record.tx_hash}.`);
  }
  if (record.status === 'failed') return refund(deps, action, transfer, notArrived);
  if (!payment) return notAuthentic(action);
  if (!(await isDead(deps, payment, record))) return endAction(deps, action, 'refused', mayLand);
  const { attempts, id } = payment;
  if (!(await endPaymentByOrder(deps.pool, id, attempts.length, attempts.at(-1)?.txHash))) return undefined;
  return refund(deps, action, transfer, notArrived);
}

async function resolvePaid(
  deps: FollowDeps,
  action: OperatorActionRow,
  txHash: string,
): Promise<BlockingReason | undefined> {
  const { pool, port, writer } = deps;
  const { payment, record, transfer } = await readSubject(deps, action.subject);
  const endRefused = (rule: string) => endAction(deps, action, 'refused', rule);
  if (!transfer) return notAuthentic(action);
  if (record?.status === 'completed' && record.tx_hash === txHash)
    return complete(deps, action, transfer, txHash);
  if (record?.status === 'open' && !payment) return notAuthentic(action);
  if (record && record.status !== 'open' && record.status !== 'withdrawn')
    return endRefused(`It is ${record.status}.`);
  if (payment?.attempts.some((attempt) => attempt.txHash === txHash)) {
    return endRefused('It is a transaction of the payment itself, which the server follows to its end.');
  }
  if (action.status === 'requested') {
    const other = await findUseOf(pool, txHash, transfer.id);
    if (other !== undefined) return endRefused(`${txHash} is a transaction of ${other}.`);
    const found = await readPaidAmount(
      port,
      txHash,
      transfer.destination_address,
      transfer.destination_currency,
    );
    if ('refusal' in found) return endRefused(found.refusal);
    if ('waits' in found) return { policy: 'retry', text: found.waits };
    const wanted = isStablecoin(transfer.destination_currency) ? sentAmount(transfer) : undefined;
    if (found.amount !== wanted) {
      return endRefused(
        `${txHash} pays ${found.amount} minor units; the transfer sends ${wanted ?? 'no fixed amount'}.`,
      );
    }
  }
  if (payment && record && !(await isNotToLand(deps, payment))) return endRefused(mayLand);
  if (action.status === 'requested') await writer.submit(moveAction(action, 'accepted', null));
  if (payment) {
    const height = await port.reader.finalHeight(await port.reader.head());
    const ended = await endPaymentByOrder(pool, payment.id, payment.attempts.length, undefined, {
      txHash,
      height,
    });
    if (!ended) return undefined;
  } else if (transfer.status === 'funds_received') {
    const intent = { kind: 'transfer', currency: transfer.destination_currency as Stablecoin } as const;
    const terms = { ...intent, address: transfer.destination_address, amount: sentAmount(transfer) ?? 1n };
    if (!(await withdrawPayment(pool, port.chain, port.sender.treasury, transfer.id, terms)))
      return undefined;
  }
  return complete(deps, { ...action, status: 'accepted' }, transfer, txHash);
}

/** Whether nothing that was signed for the payment can land. Of an unsigned one nothing is signed after it has ended. */
async function isNotToLand({ port }: FollowDeps, payment: OpenPayment): Promise<boolean> {
  return payment.attempts.length === 0 || port.sender.canNeverLand(payment, payment.attempts);
}

function sentAmount(transfer: LiveTransfer): bigint | undefined {
  const { destination_currency: to, final_minor: final, net_minor: net, source_currency: from } = transfer;
  return final ?? (to === from ? net : undefined);
}

async function complete(
  deps: FollowDeps,
  action: OperatorActionRow,
  transfer: LiveTransfer,
  txHash: string,
): Promise<BlockingReason | undefined> {
  const { pool, writer } = deps;
  if (transfer.status === 'funds_received') await writer.submit(submitTransfer(transfer, txHash));
  await writer.submit(completeTransfer(transfer, txHash, null));
  const status = (await findLiveTransfers(pool, [transfer.id])).get(transfer.id)?.status;
  if (status === 'completed') return endAction(deps, action, 'done', `It was paid by ${txHash}.`);
  return { policy: 'ask_operator', text: `${transfer.id} was paid by ${txHash}, but it is ${status}.` };
}

function notAuthentic({ subject }: OperatorActionRow): BlockingReason {
  return {
    policy: 'ask_operator',
    text: `The order about ${subject} waits: its row is missing or not authentic.`,
  };
}
