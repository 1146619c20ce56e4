import { conflict, type Refusal } from '../../platform/errors.ts';
import { updatedEvents } from '../../resources/transactions/state.ts';
import type { Cause } from '../../resources/transfers/state.ts';
import { type TransferKey, transferCommand } from '../../resources/transfers/transfer-command.ts';
import {
  applyTransitions,
  type ChainFacts,
  reverseSettlement,
  type Transfer,
} from '../../resources/transfers/transition.ts';
import type { ScreeningVerdict } from '../../screening/port.ts';
import type { ScreeningRow, TransactionRow, TransactionStatus } from '../../store/tables/transactions.ts';
import type { Command, DecideContext, Decision, RowWrite } from '../../writer/command.ts';

/** The steps of a transfer on a real chain. A step that has been taken already is refused without effect. */

/** Records the screening verdict: the transfer is paid, waits for a decision, or fails. */
export function screenTransfer(
  key: TransferKey,
  { reason, verdict }: ScreeningVerdict,
): Command<TransactionStatus> {
  return screeningCommand('screen_transfer', key, (transfer, before, context) => {
    if (before) return { refusal: notInStatus(transfer.row) };
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
    const paths = { allow: ['funds_received'], review: [], reject: ['failed', 'refunded'] } as const;
    return withScreening(
      screening,
      step(transfer, 'in_review', paths[verdict], context, {}, refused(reason)),
    );
  });
}

/** An operator's decision about a transfer under review. */
export interface TransferDecision {
  readonly decision: 'approved' | 'rejected';
  /** Recorded for the operator. The client reads the reason of a rejection. */
  readonly reason: string;
  /** Names the operator. */
  readonly by: string;
}

/** Applies an operator's decision about a transfer under review. Only the first decision counts. */
export function decideTransfer(
  key: TransferKey,
  { by, decision, reason }: TransferDecision,
): Command<TransactionStatus> {
  return screeningCommand('decide_transfer', key, (transfer, before, context) => {
    if (before?.verdict !== 'review' || before.decision !== null)
      return { refusal: notInStatus(transfer.row) };
    const screening = {
      ...before,
      decision,
      decision_reason: reason,
      decided_by: by,
      decided_at: context.now,
    };
    const path = decision === 'approved' ? (['funds_received'] as const) : (['failed', 'refunded'] as const);
    return withScreening(screening, step(transfer, 'in_review', path, context, {}, refused(reason)));
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
    () => [{ table: 'screenings', bucket, id }],
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
 * Stores a new proof of a transfer that an operator has verified, for example if its conversion exceeds the proven maximum.
 *
 * @param prove creates the proof of the current row; returns undefined if the row differs from what the operator verified
 */
export function replaceProof(
  key: TransferKey,
  prove: (row: TransactionRow) => string | undefined,
): Command<TransactionStatus> {
  return transferCommand('prove_transfer', key, ({ row }) => {
    const proof = isPayable(row) ? prove(row) : undefined;
    if (proof === undefined) return { refusal: notInStatus(row) };
    return {
      result: row.status,
      writes: [{ table: 'transactions', row: { ...row, transfer_proof: proof } }],
    };
  });
}

/** Whether a transfer may still be paid. */
export function isPayable({ status }: TransactionRow): boolean {
  return status === 'in_review' || status === 'funds_received' || status === 'payment_submitted';
}

/** Marks the transfer as submitted, after its payment was signed and stored, and before it is broadcast. */
export function submitTransfer(key: TransferKey, txHash: string): Command<TransactionStatus> {
  return transferCommand('submit_transfer', key, (transfer, context) => {
    const { row } = transfer;
    if (row.status === 'payment_submitted') return withTxHash(row, txHash, context);
    // Its block vanished, and the payment is sent again: the client is told of the new transaction once that one is final.
    if (row.status === 'completed') return { result: row.status };
    return step(transfer, 'funds_received', ['payment_submitted'], context, { txHash });
  });
}

/**
 * Completes a transfer whose payment is final. If its block vanished after that and another transaction of the payment is final instead,
 * the completed transfer gets the hash and the fee of that one.
 *
 * @param gasFeeMinor the chain's fee in the transfer's currency; null if it cannot be converted
 */
export function completeTransfer(
  key: TransferKey,
  txHash: string,
  gasFeeMinor: bigint | null,
): Command<TransactionStatus> {
  return transferCommand('complete_transfer', key, (transfer, context) => {
    const { row } = transfer;
    if (row.status === 'completed' && row.destination_tx_hash !== txHash) {
      const change = { destination_tx_hash: txHash, gas_fee_minor: gasFeeMinor };
      return { result: row.status, ...withChange(row, change, context) };
    }
    return step(transfer, 'payment_submitted', ['completed'], context, { txHash, gasFeeMinor });
  });
}

/**
 * Reverses a completed transfer whose block vanished and whose payment the chain refuses now: it fails, and the whole amount becomes
 * available again.
 */
export function reverseTransfer(key: TransferKey, cause: Cause): Command<TransactionStatus> {
  return transferCommand('reverse_transfer', key, (transfer, context) => {
    if (transfer.row.status !== 'completed') return { refusal: notInStatus(transfer.row) };
    const reversal = reverseSettlement(transfer.row, context);
    const failed = step(transfer, 'completed', ['failed', 'refunded'], context, {}, cause);
    if ('refusal' in failed) return failed;
    return { ...failed, journals: [reversal, ...(failed.journals ?? [])] };
  });
}

/** Fails a transfer whose payment was never sent or failed on the chain. The money becomes available again. */
export function failTransfer(
  key: TransferKey,
  from: 'funds_received' | 'payment_submitted',
  cause: Cause,
): Command<TransactionStatus> {
  return transferCommand('fail_transfer', key, (transfer, context) =>
    step(transfer, from, ['failed', 'refunded'], context, {}, cause),
  );
}

/** A replacement with a higher fee has another hash. */
function withTxHash(
  row: TransactionRow,
  txHash: string,
  context: DecideContext,
): Decision<TransactionStatus> {
  if (row.destination_tx_hash === txHash) return { result: row.status };
  return { result: row.status, ...withChange(row, { destination_tx_hash: txHash }, context) };
}

/** The writes and events of a change that keeps the transfer's status. */
export function withChange(row: TransactionRow, change: Partial<TransactionRow>, { now }: DecideContext) {
  const next = { ...row, ...change, updated_at: now };
  const writes: RowWrite[] = [{ table: 'transactions', row: next }];
  return { writes, events: updatedEvents(row, next) };
}

const noCause: Cause = { code: null, text: '' };

function step(
  transfer: Transfer,
  from: TransactionStatus,
  path: readonly TransactionStatus[],
  context: DecideContext,
  live: ChainFacts,
  cause: Cause = noCause,
): Decision<TransactionStatus> {
  if (transfer.row.status !== from) return { refusal: notInStatus(transfer.row) };
  const terms = { stepMs: 0, conversion: undefined, live };
  return applyTransitions(
    transfer,
    path,
    context,
    terms,
    () => cause,
    ({ status }) => status,
  );
}

/** The refusal of a step that the transfer's status does not allow. */
export function notInStatus({ status }: TransactionRow): Refusal {
  return conflict('not_due', `The transfer is ${status} already.`);
}
