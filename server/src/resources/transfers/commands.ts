import type { Chain } from '../../chains/registry.ts';
import { sandboxTxHash } from '../../chains/sandbox.ts';
import { custody, feeRevenue, type Stripe, walletAvailable, walletInTransit } from '../../ledger/accounts.ts';
import { reserveTransferFlow, settleTransferFlow, type TransferMoney } from '../../ledger/flows.ts';
import { toIsoTime } from '../../platform/clock.ts';
import { conflict } from '../../platform/errors.ts';
import { bucketOfId } from '../../platform/ids.ts';
import type { TransactionRow } from '../../store/rows.ts';
import { accountReads, type Command, type DecideContext, type Decision } from '../../writer/command.ts';
import { findWalletIn } from '../crypto-wallets/commands.ts';
import { findCustomerIn } from '../customers/commands.ts';
import { refuseCustomer } from '../customers/lifecycle.ts';
import { newTransaction, transactionEvents, withStatus } from '../transactions/lifecycle.ts';
import { transactionJson } from '../transactions/schema.ts';
import { nextStatus, refuseWithdrawal, type TransferTerms } from './lifecycle.ts';
import type { CreateTransferBody } from './schema.ts';

/**
 * Creates a transfer on a chain: the whole amount leaves the available balance in the same database transaction.
 *
 * @param stepMs how long the sandbox lets it rest in each status
 */
export function createTransfer(
  environmentId: string,
  body: CreateTransferBody,
  terms: TransferTerms,
  stepMs: number,
): Command<string> {
  const { customerId, walletId } = body;
  const bucket = bucketOfId(walletId);
  // A customer's wallets lie in the customer's bucket: in another one there can be none of theirs.
  const canBeTheirs = bucketOfId(customerId) === bucket;
  const available = walletAvailable(walletId, terms.currency);
  const inTransit = walletInTransit(walletId, terms.currency);
  return {
    name: 'create_transfer',
    environmentId,
    bucket,
    reads: () => [
      { table: 'customers', bucket, id: customerId },
      { table: 'wallets', bucket, id: walletId },
      ...accountReads([available, inTransit]),
    ],
    decide(state, context) {
      const wallet = canBeTheirs ? findWalletIn(state, context, walletId) : undefined;
      const balance = state.get('accounts', available.id)?.balance_minor ?? 0n;
      const refusal =
        (canBeTheirs ? refuseCustomer(findCustomerIn(state, context, customerId), 'transfers') : undefined) ??
        refuseWithdrawal(wallet, customerId, balance, terms);
      if (refusal) return { refusal };
      const row = newTransfer(body, terms, stepMs, context);
      const data = transactionJson(row);
      return {
        result: data,
        writes: [{ table: 'transactions', row }],
        journals: [reserveTransferFlow(moneyOf(row))],
        events: transactionEvents(row, 'created', data),
      };
    },
  };
}

function newTransfer(
  body: CreateTransferBody,
  terms: TransferTerms,
  stepMs: number,
  context: DecideContext,
): TransactionRow {
  return newTransaction(context, {
    customer_id: body.customerId,
    wallet_id: body.walletId,
    type: 'transfer',
    status: 'in_review',
    amount_minor: terms.amountMinor,
    source_currency: terms.currency,
    destination_currency: body.destinationCurrency,
    fee_minor: terms.feeMinor,
    destination_payment_rail: terms.chain,
    destination_address: terms.address,
    reference: body.reference ?? null,
    client_reference_id: body.clientReferenceId ?? null,
    metadata: JSON.stringify(body.metadata ?? {}),
    next_action_at: toIsoTime(context.nowMs + stepMs),
  });
}

function moneyOf(row: TransactionRow): TransferMoney {
  return {
    transactionId: row.id,
    walletId: row.wallet_id,
    currency: row.source_currency,
    amountMinor: row.amount_minor,
    feeMinor: row.fee_minor,
  };
}

/** What never changes of a transfer, and is needed to move it on. */
export type TransferKey = Pick<
  TransactionRow,
  'bucket' | 'id' | 'environment_id' | 'wallet_id' | 'source_currency' | 'destination_payment_rail'
>;

/**
 * Moves a sandbox transfer on by one status when its time has come. Asking too early or twice changes nothing.
 */
export function advanceSandboxTransfer(key: TransferKey, stepMs: number): Command<TransactionRow['status']> {
  const { bucket, destination_payment_rail: chain, id, source_currency: currency } = key;
  const accounts = (stripe: Stripe) => [
    walletInTransit(key.wallet_id, currency),
    custody(stripe, chain ?? '', currency),
    feeRevenue(stripe, currency),
  ];
  return {
    name: 'advance_sandbox_transfer',
    environmentId: key.environment_id,
    bucket,
    reads: (stripe) => [{ table: 'transactions', bucket, id }, ...accountReads(accounts(stripe))],
    decide(state, context) {
      const row = state.get('transactions', id);
      const isDue = row?.next_action_at != null && Date.parse(row.next_action_at) <= context.nowMs;
      if (!row || !isDue) return { refusal: conflict('not_due', 'The transfer has nothing to do now.') };
      return advance(row, stepMs, context);
    },
  };
}

function advance(
  row: TransactionRow,
  stepMs: number,
  context: DecideContext,
): Decision<TransactionRow['status']> {
  const status = nextStatus(row.status);
  const chain = row.destination_payment_rail as Chain | null;
  if (status === undefined || chain === null) {
    return { refusal: conflict('not_due', 'The transfer has nothing to do any more.') };
  }
  const moved = withStatus(row, status, context.now);
  const next: TransactionRow = {
    ...moved,
    destination_tx_hash:
      status === 'payment_submitted' ? sandboxTxHash(chain, row.id) : row.destination_tx_hash,
    ...(status === 'completed' ? settled(row) : { next_action_at: toIsoTime(context.nowMs + stepMs) }),
  };
  return {
    result: status,
    writes: [{ table: 'transactions', row: next }],
    journals: status === 'completed' ? [settleTransferFlow(context, chain, moneyOf(row))] : [],
    events: transactionEvents(next, 'updated'),
  };
}

/** What is known once a transfer has arrived. The simulated chains charge nothing. */
function settled(row: TransactionRow) {
  return {
    final_minor: row.net_minor,
    gas_fee_minor: 0n,
    exchange_fee_minor: 0n,
    next_action_at: null,
  };
}
