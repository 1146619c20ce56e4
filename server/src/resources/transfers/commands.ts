import type { ProvenTransfer } from '../../custody/transfer-proof.ts';
import { refusePayee, refusePayoutAmount } from '../../fiat/payouts/validation.ts';
import { walletAvailable, walletInTransit } from '../../ledger/accounts.ts';
import { reserveTransferFlow } from '../../ledger/flows.ts';
import { toIsoTime } from '../../platform/clock.ts';
import { assert, type Refusal } from '../../platform/errors.ts';
import { bucketOfId } from '../../platform/ids.ts';
import { bankOutcome, chainOutcome } from '../../simulator/test-values.ts';
import type { TransactionRow } from '../../store/tables/transactions.ts';
import {
  accountReads,
  type Command,
  type DecideContext,
  type RowRef,
  type State,
} from '../../writer/command.ts';
import { openAccount } from '../counterparties/schema.ts';
import { refuseOwner } from '../counterparties/state.ts';
import { findWalletIn } from '../crypto-wallets/commands.ts';
import { findCustomerIn } from '../customers/commands.ts';
import { customerNotFound, refuseCustomer } from '../customers/state.ts';
import { transactionJson } from '../transactions/schema.ts';
import { createdEvents, newTransaction } from '../transactions/state.ts';
import { moneyOf } from './pricing.ts';
import type { ChainTerms, TransferTerms } from './request.ts';
import type { CreateTransferBody } from './schema.ts';
import { refuseCancel } from './state.ts';
import { type TransferKey, transferCommand } from './transfer-command.ts';
import { applyTransitions, type TransitionTerms } from './transition.ts';
import { refuseWithdrawal } from './validation.ts';

/**
 * Creates a transfer. The whole amount leaves the available balance in the same database transaction.
 *
 * @param stepMs how long the sandbox keeps a transfer in each status; null on a real chain, whose events decide
 * @param prove makes the proof that the signer requires; required on a real chain
 */
export function createTransfer(
  environmentId: string,
  body: CreateTransferBody,
  terms: TransferTerms,
  stepMs: number | null,
  prove?: TransferProver,
): Command<string> {
  const { customerId, walletId } = body;
  const bucket = bucketOfId(walletId);
  // Everything that belongs to a customer has the customer's bucket; rows of other buckets cannot be read here.
  const isInBucket = (id: string): boolean => bucketOfId(id) === bucket;
  const customer: RowRef[] = isInBucket(customerId) ? [{ table: 'customers', bucket, id: customerId }] : [];
  const payee: RowRef[] =
    terms.kind === 'bank' && isInBucket(terms.counterpartyId)
      ? [{ table: 'counterparties', bucket, id: terms.counterpartyId }]
      : [];
  const available = walletAvailable(walletId, terms.currency);
  return {
    name: 'create_transfer',
    environmentId,
    bucket,
    reads: () => [
      ...customer,
      { table: 'wallets', bucket, id: walletId },
      ...payee,
      ...accountReads([available, walletInTransit(walletId, terms.currency)]),
    ],
    decide(state, context) {
      const isReadable = customer.length > 0;
      const wallet = isReadable ? findWalletIn(state, context, walletId) : undefined;
      const balance = state.get('accounts', available.id)?.balance_minor ?? 0n;
      const refusal =
        (isReadable ? refuseSender(state, context, customerId, terms, payee.length > 0) : undefined) ??
        refuseWithdrawal(wallet, customerId, balance, terms);
      if (refusal) return { refusal };
      const outcome = stepMs === null ? null : outcomeOf(state, context, terms);
      const made = newTransfer(body, terms, stepMs, outcome, context);
      const row = stepMs === null && terms.kind === 'chain' ? proven(made, terms, prove, context) : made;
      const data = transactionJson(row);
      return {
        result: data,
        writes: [{ table: 'transactions', row }],
        journals: [reserveTransferFlow(moneyOf(row))],
        events: createdEvents(row, data),
      };
    },
  };
}

/** Makes the proof of a transfer, without which the signer refuses to pay it. */
export type TransferProver = (transfer: ProvenTransfer) => string;

function proven(
  row: TransactionRow,
  { address, chain, mostMinor, sentCurrency }: ChainTerms,
  prove: TransferProver | undefined,
  { nowMs }: DecideContext,
): TransactionRow {
  assert(prove, 'a transfer on a real chain has a proof');
  const { id, wallet_id: walletId } = row;
  const transfer = {
    id,
    chain,
    token: sentCurrency,
    destination: address,
    mostMinor,
    walletId,
    madeAtMs: nowMs,
  };
  return { ...row, transfer_proof: prove(transfer) };
}

/** Checks the customer's verification, and the counterparty of a payout. @returns undefined if the transfer is allowed */
function refuseSender(
  state: State,
  context: DecideContext,
  customerId: string,
  terms: TransferTerms,
  isPayeeReadable: boolean,
): Refusal | undefined {
  const customer = findCustomerIn(state, context, customerId);
  if (terms.kind === 'chain') return refuseCustomer(customer, 'transfers');
  if (!customer) return customerNotFound();
  const found = isPayeeReadable ? state.get('counterparties', terms.counterpartyId) : undefined;
  const payee = found?.environment_id === context.environmentId ? found : undefined;
  return (
    refusePayee(payee, customerId, terms) ??
    (payee && refuseOwner(customer, payee.account_type)) ??
    (payee && refusePayoutAmount(terms, openAccount(payee, context.vault).accountOwnerType ?? 'individual'))
  );
}

/** The sandbox outcome that a test value selects; null without one. */
function outcomeOf(state: State, { vault }: DecideContext, terms: TransferTerms): string | null {
  if (terms.kind === 'chain') return chainOutcome(terms);
  const payee = state.get('counterparties', terms.counterpartyId);
  return payee ? bankOutcome(terms, openAccount(payee, vault).account) : null;
}

function newTransfer(
  body: CreateTransferBody,
  terms: TransferTerms,
  stepMs: number | null,
  outcome: string | null,
  context: DecideContext,
): TransactionRow {
  return newTransaction(context, {
    customer_id: body.customerId,
    wallet_id: body.walletId,
    type: 'transfer',
    amount_minor: terms.amountMinor,
    source_currency: terms.currency,
    destination_currency: body.destinationCurrency,
    fee_minor: terms.feeMinor,
    reference: body.reference ?? null,
    client_reference_id: body.clientReferenceId ?? null,
    metadata: JSON.stringify(body.metadata ?? {}),
    next_action_at: stepMs === null || outcome === 'hold_review' ? null : toIsoTime(context.nowMs + stepMs),
    sandbox_outcome: outcome,
    ...destinationOf(terms),
  });
}

function destinationOf(terms: TransferTerms) {
  return terms.kind === 'chain'
    ? ({
        status: 'in_review',
        destination_payment_rail: terms.chain,
        destination_address: terms.address,
        account_fee_minor: terms.accountFeeMinor ?? null,
      } as const)
    : ({
        status: 'funds_received',
        destination_payment_rail: terms.rail,
        payout_account_id: terms.counterpartyId,
      } as const);
}

/** Cancels a transfer that is in review. Its whole amount becomes available again. */
export function cancelTransfer(key: TransferKey, terms: TransitionTerms): Command<string> {
  return transferCommand('cancel_transfer', key, (transfer, context) => {
    const refusal = refuseCancel(transfer.row);
    if (refusal) return { refusal };
    const cause = { code: null, text: 'It was cancelled.' };
    // The sandbox refunds after a step of its own, so that clients see every status.
    const path = terms.live ? (['failed', 'refunded'] as const) : (['failed'] as const);
    return applyTransitions(transfer, path, context, terms, () => cause, transactionJson);
  });
}
