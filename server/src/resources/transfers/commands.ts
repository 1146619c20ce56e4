import type { ProvenTransfer } from '../../custody/transfer-proof.ts';
import { walletAvailable, walletInTransit } from '../../ledger/accounts.ts';
import { reserveTransferFlow } from '../../ledger/flows.ts';
import { toIsoTime } from '../../platform/clock.ts';
import { assert, type Refusal } from '../../platform/errors.ts';
import { bucketOfId } from '../../platform/ids.ts';
import type { TransactionRow } from '../../store/rows.ts';
import {
  accountReads,
  type Command,
  type DecideContext,
  type RowRef,
  type State,
} from '../../writer/command.ts';
import { refuseOwner } from '../counterparties/account-details.ts';
import { openAccount } from '../counterparties/schema.ts';
import { findWalletIn } from '../crypto-wallets/commands.ts';
import { findCustomerIn } from '../customers/commands.ts';
import { customerNotFound, refuseCustomer } from '../customers/state.ts';
import { createdEvents, newTransaction } from '../transactions/state.ts';
import { transactionJson } from '../transactions/schema.ts';
import { refusePayee, refusePayoutAmount, refuseWithdrawal } from './state.ts';
import { bankOutcome, chainOutcome } from '../../simulator/test-values.ts';
import { moneyOf } from './transition.ts';
import type { CreateTransferBody } from './schema.ts';
import type { ChainTerms, TransferTerms } from './request.ts';

/**
 * Creates a transfer: the whole amount leaves the available balance in the same database transaction.
 *
 * @param stepMs how long the sandbox lets it rest in each status; null on a real chain, which alone moves it on
 * @param prove makes the proof without which the signer pays nothing; needed on a real chain only
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
  // What a customer has lies in the customer's bucket: in another one there can be nothing of theirs.
  const canBeTheirs = (id: string): boolean => bucketOfId(id) === bucket;
  const customer: RowRef[] = canBeTheirs(customerId) ? [{ table: 'customers', bucket, id: customerId }] : [];
  const payee: RowRef[] =
    terms.kind === 'bank' && canBeTheirs(terms.counterpartyId)
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
      const theirs = customer.length > 0;
      const wallet = theirs ? findWalletIn(state, context, walletId) : undefined;
      const balance = state.get('accounts', available.id)?.balance_minor ?? 0n;
      const refusal =
        (theirs ? refuseSender(state, context, customerId, terms, payee.length > 0) : undefined) ??
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

/** Makes a transfer's proof. */
export type TransferProver = (transfer: ProvenTransfer) => string;

function proven(
  row: TransactionRow,
  { address, chain, mostMinor, sentCurrency }: ChainTerms,
  prove: TransferProver | undefined,
  { nowMs }: DecideContext,
): TransactionRow {
  assert(prove, 'what is sent on a real chain is proven');
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

/** Why the customer may not send this: their verification, or whom it is for. */
function refuseSender(
  state: State,
  context: DecideContext,
  customerId: string,
  terms: TransferTerms,
  canBeTheirPayee: boolean,
): Refusal | undefined {
  const customer = findCustomerIn(state, context, customerId);
  if (terms.kind === 'chain') return refuseCustomer(customer, 'transfers');
  if (!customer) return customerNotFound();
  const found = canBeTheirPayee ? state.get('counterparties', terms.counterpartyId) : undefined;
  const payee = found?.environment_id === context.environmentId ? found : undefined;
  return (
    refusePayee(payee, customerId, terms) ??
    (payee && refuseOwner(customer, payee.account_type)) ??
    (payee && refusePayoutAmount(terms, openAccount(payee, context.vault).accountOwnerType ?? 'individual'))
  );
}

/** What the sandbox is going to do with it, where a magic value says so. */
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
      } as const)
    : ({
        status: 'funds_received',
        destination_payment_rail: terms.rail,
        payout_account_id: terms.counterpartyId,
      } as const);
}
