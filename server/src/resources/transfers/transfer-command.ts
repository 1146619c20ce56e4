import {
  bank,
  custody,
  feeRevenue,
  fxPosition,
  type Stripe,
  walletAvailable,
  walletInTransit,
} from '../../ledger/accounts.ts';
import { conflict, type Refusal } from '../../platform/errors.ts';
import { isRail } from '../../rails/rails.ts';
import type { TransactionRow } from '../../store/tables/transactions.ts';
import {
  accountReads,
  type Command,
  type DecideContext,
  type Decision,
  type RowRef,
  type State,
} from '../../writer/command.ts';
import type { Transfer } from './transition.ts';

/** The columns of a transfer that never change and that a command on it needs. */
export type TransferKey = Pick<
  TransactionRow,
  | 'bucket'
  | 'id'
  | 'environment_id'
  | 'wallet_id'
  | 'source_currency'
  | 'destination_currency'
  | 'destination_payment_rail'
>;

/** The accounts that a transfer's journals can touch. */
function accountsOf(key: TransferKey, stripe: Stripe) {
  const { destination_payment_rail: rail, source_currency: currency, wallet_id: walletId } = key;
  const own = [
    walletAvailable(walletId, currency),
    walletInTransit(walletId, currency),
    feeRevenue(stripe, currency),
  ];
  const paid = key.destination_currency;
  const from = isPaidByBank(key) ? bank(stripe, paid) : custody(stripe, rail ?? '', paid);
  if (!isPaidByBank(key) && paid === currency) return [...own, from];
  return [...own, fxPosition(stripe, currency), fxPosition(stripe, paid), from];
}

function isPaidByBank({ destination_payment_rail: rail }: TransferKey): boolean {
  return rail !== null && isRail(rail);
}

/**
 * Makes a command on one transfer. It reads the transfer, every account that its journals can touch, and for a payout
 * the wallet.
 *
 * @param decide decides on the transfer; refused with `not_due` before that if the transfer does not exist
 * @param more rows that `decide` gets from its state beside these
 */
export function transferCommand<Result>(
  name: string,
  key: TransferKey,
  decide: (transfer: Transfer, context: DecideContext, state: State) => Decision<Result>,
  more: (stripe: Stripe) => readonly RowRef[] = () => [],
): Command<Result> {
  const { bucket, id, wallet_id: walletId } = key;
  const wallets: RowRef[] = isPaidByBank(key) ? [{ table: 'wallets', bucket, id: walletId }] : [];
  return {
    name,
    environmentId: key.environment_id,
    bucket,
    reads: (stripe) => [
      { table: 'transactions', bucket, id },
      ...wallets,
      ...accountReads(accountsOf(key, stripe)),
      ...more(stripe),
    ],
    decide(state, context) {
      const row = state.get('transactions', id);
      if (!row) return { refusal: notDue() };
      const wallet = wallets.length > 0 ? state.get('wallets', walletId) : undefined;
      return decide({ row, wallet }, context, state);
    },
  };
}

/** The refusal of a command that has nothing to do on a transfer. */
export function notDue(): Refusal {
  return conflict('not_due', 'No transition of the transfer is due.');
}
