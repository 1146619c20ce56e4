import { conflict, type Refusal } from '../../platform/errors.ts';
import type { ConversionRate } from '../../rates/conversion.ts';
import { updatedEvents } from '../../resources/transactions/state.ts';
import { priceOf } from '../../resources/transfers/pricing.ts';
import type { Cause } from '../../resources/transfers/state.ts';
import { type TransferKey, transferCommand } from '../../resources/transfers/transfer-command.ts';
import { applyTransitions, type ChainFacts, type Transfer } from '../../resources/transfers/transition.ts';
import type { ScreeningVerdict } from '../../screening/port.ts';
import type { ScreeningRow, TransactionRow, TransactionStatus } from '../../store/rows.ts';
import type { Command, DecideContext, Decision, RowWrite } from '../../writer/command.ts';

/** The steps of a transfer on a real chain. Taking one twice changes nothing. */

/** The transfer has been screened: its money may go, stays for a decision, or does not go. */
export function screenTransfer(
  key: TransferKey,
  { reason, verdict }: ScreeningVerdict,
): Command<TransactionStatus> {
  return screeningCommand('screen_transfer', key, (transfer, before, context) => {
    if (before) return { refusal: notThere(transfer.row) };
    const screening: ScreeningRow = {
      bucket: context.bucket,
      id: key.id,
      environment_id: key.environment_id,
      verdict,
      reason,
      decision: null,
      decision_reason: null,
      decided_by: null,
      decided_at: null,
      created_at: context.now,
    };
    const ways = { allow: ['funds_received'], review: [], reject: ['failed', 'refunded'] } as const;
    return withScreening(screening, step(transfer, 'in_review', ways[verdict], context, {}, refused(reason)));
  });
}

/** What an operator has decided about a transfer that had to be looked at. */
export interface TransferDecision {
  readonly decision: 'approved' | 'rejected';
  /** For the books of the operator; of a rejection also for the client. */
  readonly reason: string;
  /** Who decided. */
  readonly by: string;
}

/** An operator has decided about a transfer that had to be looked at: once, whoever is first. */
export function decideTransfer(
  key: TransferKey,
  { by, decision, reason }: TransferDecision,
): Command<TransactionStatus> {
  return screeningCommand('decide_transfer', key, (transfer, before, context) => {
    if (before?.verdict !== 'review' || before.decision !== null) return { refusal: notThere(transfer.row) };
    const screening = {
      ...before,
      decision,
      decision_reason: reason,
      decided_by: by,
      decided_at: context.now,
    };
    const way = decision === 'approved' ? (['funds_received'] as const) : (['failed', 'refunded'] as const);
    return withScreening(screening, step(transfer, 'in_review', way, context, {}, refused(reason)));
  });
}

function refused(text: string): Cause {
  return { code: null, text };
}

function screeningCommand(
  name: string,
  key: TransferKey,
  decide: (
    transfer: Transfer,
    screening: ScreeningRow | undefined,
    context: DecideContext,
  ) => Decision<TransactionStatus>,
): Command<TransactionStatus> {
  const { bucket, id } = key;
  return transferCommand(
    name,
    key,
    (transfer, context, state) => decide(transfer, state.get('screenings', id), context),
    [{ table: 'screenings', bucket, id }],
  );
}

function withScreening(
  row: ScreeningRow,
  decision: Decision<TransactionStatus>,
): Decision<TransactionStatus> {
  if ('refusal' in decision) return decision;
  return { ...decision, writes: [...(decision.writes ?? []), { table: 'screenings', row }] };
}

/**
 * What is sent of a transfer that is converted is fixed before it is signed, for good: a payment has one amount.
 *
 * @returns what is sent, in minor units of its own currency: that of the first time, whatever the rate is now
 */
export function priceTransfer(key: TransferKey, conversion: ConversionRate): Command<bigint> {
  return transferCommand('price_transfer', key, ({ row }, context) => {
    if (row.final_minor !== null) return { result: row.final_minor };
    if (row.status !== 'funds_received') return { refusal: notThere(row) };
    const price = priceOf(row, conversion);
    return { result: price.final_minor, ...changed(row, price, context) };
  });
}

/**
 * An operator vouches for what is going to be paid, where there is no proof that holds: it was accepted before there were
 * proofs, or it has become more than was proven.
 *
 * @param prove makes the proof of the transfer as it is now; undefined when the operator knows another one
 */
export function proveAgain(
  key: TransferKey,
  prove: (row: TransactionRow) => string | undefined,
): Command<TransactionStatus> {
  return transferCommand('prove_transfer', key, ({ row }) => {
    const proof = isUnderWay(row) ? prove(row) : undefined;
    if (proof === undefined) return { refusal: notThere(row) };
    return {
      result: row.status,
      writes: [{ table: 'transactions', row: { ...row, transfer_proof: proof } }],
    };
  });
}

/** Whether something may still be paid for it. */
export function isUnderWay({ status }: TransactionRow): boolean {
  return status === 'in_review' || status === 'funds_received' || status === 'payment_submitted';
}

/** The payment is signed and stored: it is told before it is broadcast. */
export function submitTransfer(key: TransferKey, txHash: string): Command<TransactionStatus> {
  return transferCommand('submit_transfer', key, (transfer, context) =>
    transfer.row.status === 'payment_submitted'
      ? renamed(transfer.row, txHash, context)
      : step(transfer, 'funds_received', ['payment_submitted'], context, { txHash }),
  );
}

/**
 * The payment is deep enough in the chain.
 *
 * @param gasFeeMinor what the chain charged, in the transfer's currency; null when that cannot be said
 */
export function completeTransfer(
  key: TransferKey,
  txHash: string,
  gasFeeMinor: bigint | null,
): Command<TransactionStatus> {
  return transferCommand('complete_transfer', key, (transfer, context) =>
    step(transfer, 'payment_submitted', ['completed'], context, { txHash, gasFeeMinor }),
  );
}

/** The payment never left, or the chain refused it for good: the money is available again. */
export function failTransfer(
  key: TransferKey,
  from: 'funds_received' | 'payment_submitted',
  cause: Cause,
): Command<TransactionStatus> {
  return transferCommand('fail_transfer', key, (transfer, context) =>
    step(transfer, from, ['failed', 'refunded'], context, {}, cause),
  );
}

/** A payment with a higher fee has another hash. */
function renamed(row: TransactionRow, txHash: string, context: DecideContext): Decision<TransactionStatus> {
  if (row.destination_tx_hash === txHash) return { result: row.status };
  return { result: row.status, ...changed(row, { destination_tx_hash: txHash }, context) };
}

/** The transfer stays in its status. */
function changed(row: TransactionRow, change: Partial<TransactionRow>, { now }: DecideContext) {
  const next = { ...row, ...change, updated_at: now };
  const writes: RowWrite[] = [{ table: 'transactions', row: next }];
  return { writes, events: updatedEvents(row, next) };
}

const noCause: Cause = { code: null, text: '' };

function step(
  transfer: Transfer,
  from: TransactionStatus,
  way: readonly TransactionStatus[],
  context: DecideContext,
  live: ChainFacts,
  cause: Cause = noCause,
): Decision<TransactionStatus> {
  if (transfer.row.status !== from) return { refusal: notThere(transfer.row) };
  const terms = { stepMs: 0, conversion: undefined, live };
  return applyTransitions(
    transfer,
    way,
    context,
    terms,
    () => cause,
    ({ status }) => status,
  );
}

function notThere({ status }: TransactionRow): Refusal {
  return conflict('not_due', `The transfer is ${status} already.`);
}
