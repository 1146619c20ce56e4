import { sandboxTxHash } from '../../chains/sandbox.ts';
import { submittedPayout } from '../../fiat/payouts/transitions.ts';
import {
  releaseTransferFlow,
  returnPayoutFlow,
  reverseSettlementFlow,
  settleConvertedTransferFlow,
  settlePayoutFlow,
  settleTransferFlow,
} from '../../ledger/flows.ts';
import type { JournalDraft } from '../../ledger/journal.ts';
import type { ConversionRate } from '../../rates/conversion.ts';
import { nextActionAt } from '../../simulator/schedule.ts';
import type { TransactionRow, TransactionStatus } from '../../store/tables/transactions.ts';
import type { WalletRow } from '../../store/tables/wallets.ts';
import type { DecideContext, Decision, EventDraft, RowWrite } from '../../writer/command.ts';
import { walletInStatus } from '../crypto-wallets/commands.ts';
import { updatedEvents, withStatus } from '../transactions/state.ts';
import { type Effects, type InternalSettlement, settleInternally } from './internal.ts';
import { moneyOf, payoutMoneyOf, priceOf } from './pricing.ts';
import { type Cause, chainOf, isConvertedOnChain, isPayout } from './state.ts';

/** The chain refused the transaction. */
export const chainRefused: Cause = { code: null, text: 'The chain refused the transaction.' };

/** The amount converts to less than one minor unit at the current rate. */
export const nothingArrives: Cause = {
  code: null,
  text: 'At the current rate the amount converts to less than one minor unit.',
};

/** What a transition may depend on beside the transfer. */
export interface TransitionTerms {
  /** How long the sandbox keeps a transfer in each status. */
  readonly stepMs: number;
  /** The current rate between the transfer's two currencies; undefined if there is none. */
  readonly conversion: ConversionRate | undefined;
  /** Set for a transfer on a real chain, whose next status only the chain decides. */
  readonly live?: ChainFacts;
  /** Set for a transfer to a deposit address of this deployment: it is booked, not sent. */
  readonly internal?: InternalSettlement | undefined;
}

/** What a real chain reports of a transfer. */
export interface ChainFacts {
  readonly txHash?: string;
  /** Null if the fee, paid in the chain's own coin, cannot be converted to the transfer's currency. */
  readonly gasFeeMinor?: bigint | null;
}

/** A transfer in its next status, the journals of the transition, and what else it writes. */
export interface Transition {
  readonly row: TransactionRow;
  readonly journals: readonly JournalDraft[];
  readonly more?: Effects;
}

/** Returns why a transfer gets to `failed` or `returned`. */
export type CauseFor = (status: TransactionStatus) => Cause;

/** A transfer, and for a payout the wallet that a return is credited to. */
export interface Transfer {
  readonly row: TransactionRow;
  readonly wallet: WalletRow | undefined;
}

/**
 * Applies a path of transitions, each with its journals and events.
 *
 * @param path statuses that may follow each other; see `transitionPath`
 */
export function applyTransitions<Result>(
  { row, wallet }: Transfer,
  path: readonly TransactionStatus[],
  context: DecideContext,
  terms: TransitionTerms,
  causeFor: CauseFor,
  resultOf: (row: TransactionRow) => Result,
): Decision<Result> {
  let current = row;
  const journals: JournalDraft[] = [];
  const events: EventDraft[] = [];
  const more: RowWrite[] = [];
  for (const status of path) {
    const next = applyTransition(current, status, context, terms, causeFor);
    journals.push(...next.journals);
    events.push(...updatedEvents(current, next.row), ...(next.more?.events ?? []));
    more.push(...(next.more?.writes ?? []));
    current = next.row;
  }
  const writes: RowWrite[] = [{ table: 'transactions', row: current }, ...more];
  // Money that comes back to a closed wallet would be out of the customer's reach.
  if (wallet?.status === 'closed' && journals.length > 0) {
    const reopened = walletInStatus(wallet, 'active', context.now);
    writes.push(reopened.write);
    events.unshift(reopened.event);
  }
  return { result: resultOf(current), writes, journals, events };
}

/** Applies one transition, to a status that may follow the transfer's own. */
function applyTransition(
  row: TransactionRow,
  status: TransactionStatus,
  context: DecideContext,
  terms: TransitionTerms,
  causeFor: CauseFor,
): Transition {
  const next = {
    ...withStatus(row, status, context.now),
    next_action_at: terms.live ? null : nextActionAt(row, status, context.nowMs, terms.stepMs),
  };
  switch (status) {
    case 'payment_submitted': {
      const submitted = isPayout(row)
        ? submittedPayout(next, context.nowMs, terms.conversion)
        : broadcast(next, terms);
      return { row: submitted, journals: [] };
    }
    case 'payment_processed':
      return { row: next, journals: [settlePayoutFlow(context, payoutMoneyOf(row))] };
    case 'completed': {
      const done = { ...next, ...arrived(row, terms) };
      if (!terms.internal) return { row: done, journals: [settleOnChain(row, context)] };
      const more = settleInternally(done, terms.internal, context);
      return { row: done, journals: more.journals, more };
    }
    case 'failed':
      return {
        row: { ...next, ...clearedConversion, ...causeColumns(causeFor(status)) },
        journals: [releaseTransferFlow(moneyOf(row))],
      };
    case 'returned':
      return returned(row, { ...next, ...causeColumns(causeFor(status)) }, context);
    case 'refunded':
      // A failed transfer was released when it failed.
      return { row: next, journals: row.status === 'returned' ? [releaseTransferFlow(moneyOf(row))] : [] };
    default:
      return { row: next, journals: [] };
  }
}

function broadcast(row: TransactionRow, { conversion, internal, live }: TransitionTerms): TransactionRow {
  // An internal transfer is no transaction of the chain.
  const sandboxHash = internal ? null : sandboxTxHash(chainOf(row), row.id);
  const txHash = live ? (live.txHash ?? null) : sandboxHash;
  const isPriced = !isConvertedOnChain(row) || row.final_minor !== null;
  const price = isPriced ? {} : priceOf(row, conversion);
  return { ...row, ...price, destination_tx_hash: txHash };
}

function settleOnChain(row: TransactionRow, context: DecideContext): JournalDraft {
  return isConvertedOnChain(row)
    ? settleConvertedTransferFlow(context, chainOf(row), payoutMoneyOf(row))
    : settleTransferFlow(context, chainOf(row), moneyOf(row));
}

/** The journal that reverses the settlement of a transfer on a chain, whose payment turned out not to be in the chain. */
export function reverseSettlement(row: TransactionRow, context: DecideContext): JournalDraft {
  return reverseSettlementFlow(settleOnChain(row, context));
}

/** The columns of a transfer that has arrived. The simulated chains charge no fee, and an internal transfer costs none. */
function arrived(row: TransactionRow, { internal, live }: TransitionTerms) {
  return {
    ...(isConvertedOnChain(row) ? {} : { final_minor: row.net_minor, exchange_fee_minor: 0n }),
    gas_fee_minor: live && !internal ? (live.gasFeeMinor ?? null) : 0n,
    destination_tx_hash: live?.txHash ?? row.destination_tx_hash,
  };
}

/** A payout that was processed moves back through the bank; one that was not never left. */
function returned(row: TransactionRow, next: TransactionRow, context: DecideContext): Transition {
  return row.status === 'payment_processed'
    ? { row: next, journals: [returnPayoutFlow(context, payoutMoneyOf(row))] }
    : { row: { ...next, ...clearedConversion }, journals: [] };
}

/** A conversion that was priced and then did not happen is cleared. */
const clearedConversion = { final_minor: null, exchange_rate: null, exchange_fee_minor: null } as const;

function causeColumns({ code, text }: Cause) {
  return { return_code: code, return_reason: text };
}
