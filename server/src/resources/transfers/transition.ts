import type { Chain } from '../../chains/registry.ts';
import { sandboxTxHash } from '../../chains/sandbox.ts';
import {
  type PayoutMoney,
  releaseTransferFlow,
  returnPayoutFlow,
  settleConvertedTransferFlow,
  settlePayoutFlow,
  settleTransferFlow,
  type TransferMoney,
} from '../../ledger/flows.ts';
import type { JournalDraft } from '../../ledger/journal.ts';
import { toIsoTime } from '../../platform/clock.ts';
import { assert } from '../../platform/errors.ts';
import type { Currency } from '../../platform/money.ts';
import type { FiatCode } from '../../rails/fiat.ts';
import { type Rail, railFacts } from '../../rails/rails.ts';
import { findReturnCode } from '../../rails/return-codes.ts';
import { returnDeadlineMs, settlementOf } from '../../rails/settlement.ts';
import { traceId } from '../../rails/trace-ids.ts';
import { type ConversionRate, exchangeFeeMinor } from '../../rates/conversion.ts';
import type { TransactionRow, TransactionStatus } from '../../store/rows.ts';
import type { DecideContext } from '../../writer/command.ts';
import { withStatus } from '../transactions/state.ts';
import { isConvertedOnChain, isPayout } from './state.ts';
import { plannedReturn } from '../../simulator/test-values.ts';
import { payoutMinor } from './request.ts';

/** Why a transfer fails or comes back: the rail's code, if it has one, and the same in words. */
export interface Cause {
  readonly code: string | null;
  readonly text: string;
}

/** The chain has taken the transaction, and it has failed there. */
export const chainRefused: Cause = { code: null, text: 'The chain refused the transaction.' };

/** Of so little that its conversion leaves not one smallest unit. */
export const nothingArrives: Cause = { code: null, text: 'The rate has moved: nothing of it would arrive.' };

/** What moving a transfer on may need beside the transfer. */
export interface MoveTerms {
  /** How long the sandbox lets it rest in each status. */
  readonly stepMs: number;
  /** The rate of now between the transfer's two currencies; undefined when there is none. */
  readonly conversion: ConversionRate | undefined;
  /** Of a transfer on a real chain: what the chain has told. Nothing moves it on but the chain. */
  readonly live?: LiveMove;
}

/** What a real chain has told of a transfer. */
export interface LiveMove {
  readonly txHash?: string;
  /** Null when what was paid in the chain's own coin cannot be said in the transfer's currency. */
  readonly gasFeeMinor?: bigint | null;
}

/** A transfer in its next status, and the journals that go with the move. */
export interface Move {
  readonly row: TransactionRow;
  readonly journals: readonly JournalDraft[];
}

/**
 * Moves a transfer on to a status that may follow its own.
 *
 * @param causeFor why it gets to `failed` or `returned`
 */
export function moveTransfer(
  row: TransactionRow,
  status: TransactionStatus,
  context: DecideContext,
  terms: MoveTerms,
  causeFor: (status: TransactionStatus) => Cause,
): Move {
  const moved = {
    ...withStatus(row, status, context.now),
    next_action_at: nextActionAt(row, status, context, terms),
  };
  switch (status) {
    case 'payment_submitted':
      return isPayout(row) ? submitPayout(moved, context, terms) : broadcast(moved, terms);
    case 'payment_processed':
      return { row: moved, journals: [settlePayoutFlow(context, payoutOf(row))] };
    case 'completed':
      return {
        row: { ...moved, ...arrived(row, terms) },
        journals: [
          isConvertedOnChain(row)
            ? settleConvertedTransferFlow(context, chainOf(row), payoutOf(row))
            : settleTransferFlow(context, chainOf(row), moneyOf(row)),
        ],
      };
    case 'failed':
      return {
        row: { ...moved, ...nothingLeft, ...because(causeFor(status)) },
        journals: [releaseTransferFlow(moneyOf(row))],
      };
    case 'returned':
      return row.status === 'payment_processed'
        ? {
            row: { ...moved, ...because(causeFor(status)) },
            journals: [returnPayoutFlow(context, payoutOf(row))],
          }
        : { row: { ...moved, ...nothingLeft, ...because(causeFor(status)) }, journals: [] };
    case 'refunded':
      // What failed was released as it failed.
      return { row: moved, journals: row.status === 'returned' ? [releaseTransferFlow(moneyOf(row))] : [] };
    default:
      return { row: moved, journals: [] };
  }
}

/** When the sandbox moves a transfer on by itself, once it has a status; null when it does not. */
export function nextActionAt(
  row: TransactionRow,
  status: TransactionStatus,
  { nowMs }: DecideContext,
  { live, stepMs }: MoveTerms,
): string | null {
  if (live) return null;
  if (status === 'completed' || status === 'refunded') return null;
  if (status === 'payment_submitted' && row.sandbox_outcome === 'hold_payment') return null;
  if (status !== 'payment_processed') return toIsoTime(nowMs + stepMs);
  const code = plannedReturn(row.sandbox_outcome);
  if (code === undefined) return null;
  const settledAtMs = Date.parse(row.estimated_arrival_at ?? toIsoTime(nowMs));
  return toIsoTime(Math.max(nowMs, returnDeadlineMs(railOf(row), settledAtMs, code)));
}

function broadcast(row: TransactionRow, { conversion, live }: MoveTerms): Move {
  const txHash = live ? (live.txHash ?? null) : sandboxTxHash(chainOf(row), row.id);
  const isPriced = !isConvertedOnChain(row) || row.final_minor !== null;
  const price = isPriced ? {} : priceOf(row, conversion);
  return { row: { ...row, ...price, destination_tx_hash: txHash }, journals: [] };
}

/** Whether a transfer goes at a rate: that of the moment when it is handed to the bank, or sent. */
export function needsRate(row: TransactionRow): boolean {
  return isPayout(row) || isConvertedOnChain(row);
}

/** Whether less would arrive at the rate of now than the rail pays; on a chain, whether nothing would. */
export function arrivesTooLittle(row: TransactionRow, { conversion }: MoveTerms): boolean {
  if (!needsRate(row) || !conversion) return false;
  const currency = row.destination_currency as Currency;
  const least = isPayout(row) ? railFacts(railOf(row)).minMinor(currency as FiatCode) : 1n;
  return payoutMinor(moneyOf(row), currency, conversion) < least;
}

/** What a transfer's conversion comes to at a rate. */
export function priceOf(
  row: TransactionRow,
  conversion: ConversionRate | undefined,
): Pick<TransactionRow, 'exchange_fee_minor' | 'exchange_rate'> & { readonly final_minor: bigint } {
  assert(conversion, 'a transfer is converted at a rate');
  return {
    final_minor: payoutMinor(moneyOf(row), row.destination_currency as Currency, conversion),
    exchange_rate: conversion.isParity ? null : conversion.rate,
    exchange_fee_minor: exchangeFeeMinor(row.net_minor, conversion.rate, conversion.midRate),
  };
}

/** The rate of this moment is the one that the payout is made at. */
function submitPayout(row: TransactionRow, context: DecideContext, { conversion }: MoveTerms): Move {
  const rail = railOf(row);
  return {
    row: {
      ...row,
      ...priceOf(row, conversion),
      trace_id: traceId(rail, { seed: row.id, nowMs: context.nowMs }),
      estimated_arrival_at: toIsoTime(settlementOf(rail, context.nowMs).settlesAtMs),
    },
    journals: [],
  };
}

/** What is known once a transfer has arrived. The simulated chains charge nothing. */
function arrived(row: TransactionRow, { live }: MoveTerms) {
  return {
    ...(isConvertedOnChain(row) ? {} : { final_minor: row.net_minor, exchange_fee_minor: 0n }),
    gas_fee_minor: live ? (live.gasFeeMinor ?? null) : 0n,
    destination_tx_hash: live?.txHash ?? row.destination_tx_hash,
  };
}

/** What has not left us has not been converted: what was worked out for it has not come true. */
const nothingLeft = { final_minor: null, exchange_rate: null, exchange_fee_minor: null } as const;

function because({ code, text }: Cause) {
  return { return_code: code, return_reason: text };
}

/** What a code of the transfer's rail means. */
export function causeOf(row: TransactionRow, code: string): Cause {
  const known = findReturnCode(railOf(row), code);
  assert(known, 'a return has a code of its rail');
  return { code, text: known.reason };
}

/** What the ledger needs to know of a transfer. */
export function moneyOf(row: TransactionRow): TransferMoney & { readonly currency: Currency } {
  return {
    transactionId: row.id,
    walletId: row.wallet_id,
    currency: row.source_currency as Currency,
    amountMinor: row.amount_minor,
    feeMinor: row.fee_minor,
  };
}

function payoutOf(row: TransactionRow): PayoutMoney {
  assert(row.final_minor !== null && row.final_minor > 0n, 'what was sent at a rate has a final amount');
  return { ...moneyOf(row), payoutCurrency: row.destination_currency, finalMinor: row.final_minor };
}

function chainOf(row: TransactionRow): Chain {
  return row.destination_payment_rail as Chain;
}

function railOf(row: TransactionRow): Rail {
  return row.destination_payment_rail as Rail;
}
