import { walletAvailable } from '../../ledger/accounts.ts';
import { reverseDepositFlow } from '../../ledger/flows.ts';
import { assert } from '../../platform/errors.ts';
import { updatedEvents } from '../../resources/transactions/state.ts';
import type { ChainDepositRow } from '../../store/tables/chains.ts';
import type { TransactionRow } from '../../store/tables/transactions.ts';
import type { Command, DecideContext, Decision, State } from '../../writer/command.ts';
import { type ChainDeposit, depositCommand, failedDeposit, type KnownDeposit } from './commands.ts';
import { creditedCurrency, creditOf, depositJournal } from './credit.ts';

/** What reversing a deposit did. Amounts are in minor units of the credited currency. */
export interface Reversal {
  /** Whether the deposit was reversed now; false if it has not been credited, or is reversed already. */
  readonly isReversed: boolean;
  /** Taken back from the wallet. */
  readonly takenMinor: bigint;
  /** What the wallet no longer has: booked as a loss of the house. */
  readonly lostMinor: bigint;
}

const nothing: Reversal = { isReversed: false, takenMinor: 0n, lostMinor: 0n };

const orphanedText =
  'A reorganisation of the chain removed the block of the deposit after it had become final.';

/**
 * Reverses a final deposit whose block vanished: the transaction fails, the wallet gives back what it has of it, and the house bears the
 * rest. A deposit that waits for a rate only fails.
 */
export function reverseDeposit(deposit: ChainDeposit, known: KnownDeposit): Command<Reversal> {
  const decide = (
    row: ChainDepositRow | undefined,
    transaction: TransactionRow | undefined,
    context: DecideContext,
    state: State,
  ): Decision<Reversal> => {
    if (!row || !transaction) return { result: nothing };
    switch (row.status) {
      case 'pending':
      case 'orphaned':
        return { result: nothing };
      case 'confirmed':
        return orphan(row, transaction, failedDeposit(transaction, orphanedText, context), context, {
          ...nothing,
          isReversed: true,
        });
      case 'credited':
        return takeBack(deposit, row, transaction, context, state);
    }
  };
  return depositCommand(
    'reverse_chain_deposit',
    deposit,
    known,
    ({ row, transaction }, context, state) => decide(row, transaction, context, state),
    true,
  );
}

function takeBack(
  deposit: ChainDeposit,
  row: ChainDepositRow,
  transaction: TransactionRow,
  context: DecideContext,
  state: State,
): Decision<Reversal> {
  const arrived = { ...deposit, amountMinor: row.amount_minor };
  const credit = creditOf(arrived, transaction.exchange_rate ?? undefined);
  const walletMinor = transaction.final_minor ?? 0n;
  assert(
    credit && walletMinor <= credit.creditedMinor,
    'a wallet is credited at most the amount of a deposit',
  );
  const available = walletAvailable(deposit.walletId, creditedCurrency(deposit.currency));
  const balance = state.get('accounts', available.id)?.balance_minor ?? 0n;
  const takenMinor = balance < walletMinor ? balance : walletMinor;
  const lostMinor = credit.creditedMinor - takenMinor;
  const keptMinor = walletMinor - takenMinor;
  const failed: TransactionRow = {
    ...failedDeposit(transaction, orphanedText, context),
    // What the customer keeps of it.
    final_minor: keptMinor > 0n ? keptMinor : null,
    exchange_fee_minor: null,
  };
  const lost = (row.lost_minor ?? 0n) + lostMinor;
  const next = { ...row, lost_minor: lost > 0n ? lost : null };
  const result = { isReversed: true, takenMinor, lostMinor };
  const journal = depositJournal(context, transaction.id, arrived, credit);
  const share = { walletMinor: takenMinor, houseMinor: lostMinor };
  return {
    ...orphan(next, transaction, failed, context, result),
    journals: [reverseDepositFlow(context, journal, share)],
  };
}

function orphan(
  row: ChainDepositRow,
  before: TransactionRow,
  failed: TransactionRow,
  { now }: DecideContext,
  result: Reversal,
) {
  return {
    result,
    writes: [
      { table: 'transactions' as const, row: failed },
      { table: 'chain_deposits' as const, row: { ...row, status: 'orphaned' as const, updated_at: now } },
    ],
    events: updatedEvents(before, failed),
  };
}
