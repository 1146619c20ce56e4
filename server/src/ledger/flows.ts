import {
  custody,
  feeRevenue,
  fxPosition,
  type Stripe,
  walletAvailable,
  walletInTransit,
} from './accounts.ts';
import type { JournalDraft } from './journal.ts';

/** The money flows: which accounts each of them debits (+) and credits (−). One recipe each in docs/recipes. */

/** What the flows need to know of a transfer. */
export interface TransferMoney {
  readonly transactionId: string;
  readonly walletId: string;
  readonly currency: string;
  readonly amountMinor: bigint;
  readonly feeMinor: bigint;
}

/** Tokens arrived on a chain and are credited as they are. */
export function depositFlow(
  stripe: Stripe,
  deposit: { transactionId: string; walletId: string; chain: string; currency: string; amountMinor: bigint },
): JournalDraft {
  const { amountMinor, currency } = deposit;
  return {
    kind: 'deposit',
    transactionId: deposit.transactionId,
    postings: [
      { account: custody(stripe, deposit.chain, currency), amountMinor },
      { account: walletAvailable(deposit.walletId, currency), amountMinor: -amountMinor },
    ],
  };
}

/** Tokens arrived on a chain and are credited in another currency, through the two FX positions. */
export function convertedDepositFlow(
  stripe: Stripe,
  deposit: {
    transactionId: string;
    walletId: string;
    chain: string;
    sourceCurrency: string;
    sourceMinor: bigint;
    creditedCurrency: string;
    creditedMinor: bigint;
  },
): JournalDraft {
  const { sourceCurrency, sourceMinor, creditedCurrency, creditedMinor } = deposit;
  return {
    kind: 'deposit',
    transactionId: deposit.transactionId,
    postings: [
      { account: custody(stripe, deposit.chain, sourceCurrency), amountMinor: sourceMinor },
      { account: fxPosition(stripe, sourceCurrency), amountMinor: -sourceMinor },
      { account: fxPosition(stripe, creditedCurrency), amountMinor: creditedMinor },
      { account: walletAvailable(deposit.walletId, creditedCurrency), amountMinor: -creditedMinor },
    ],
  };
}

/** A transfer is accepted: its whole amount leaves the available balance. */
export function reserveTransferFlow(transfer: TransferMoney): JournalDraft {
  const { amountMinor, currency, walletId } = transfer;
  return {
    kind: 'transfer_reserve',
    transactionId: transfer.transactionId,
    postings: [
      { account: walletAvailable(walletId, currency), amountMinor },
      { account: walletInTransit(walletId, currency), amountMinor: -amountMinor },
    ],
  };
}

/** A transfer has arrived: the net amount has left our custody, the fee is earned. */
export function settleTransferFlow(stripe: Stripe, chain: string, transfer: TransferMoney): JournalDraft {
  const { amountMinor, currency, feeMinor, walletId } = transfer;
  const fee = feeMinor === 0n ? [] : [{ account: feeRevenue(stripe, currency), amountMinor: -feeMinor }];
  return {
    kind: 'transfer_settle',
    transactionId: transfer.transactionId,
    postings: [
      { account: walletInTransit(walletId, currency), amountMinor },
      { account: custody(stripe, chain, currency), amountMinor: feeMinor - amountMinor },
      ...fee,
    ],
  };
}
