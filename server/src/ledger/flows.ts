import {
  type AccountRef,
  bank,
  chainLoss,
  custody,
  feeRevenue,
  fxPosition,
  type Stripe,
  suspense,
  walletAvailable,
  walletInTransit,
} from './accounts.ts';
import type { JournalDraft, OperatorJournalKind, PostingDraft } from './journal.ts';

/** The money flows: the accounts that each of them debits (+) and credits (−). docs/recipes has a recipe for each. */

/** What the flows need to know of a transfer. */
export interface TransferMoney {
  readonly transactionId: string;
  readonly walletId: string;
  readonly currency: string;
  readonly amountMinor: bigint;
  readonly feeMinor: bigint;
}

/**
 * Tokens arrived on a chain and are credited without conversion.
 *
 * @param arrivedIn the account that the amount is in: custody, or for an internal transfer the one between the two wallets
 */
export function depositFlow(
  stripe: Stripe,
  deposit: { transactionId: string; walletId: string; chain: string; currency: string; amountMinor: bigint },
  arrivedIn: AccountRef = custody(stripe, deposit.chain, deposit.currency),
): JournalDraft {
  const { amountMinor, currency } = deposit;
  return {
    kind: 'deposit',
    transactionId: deposit.transactionId,
    postings: [
      { account: arrivedIn, amountMinor },
      { account: walletAvailable(deposit.walletId, currency), amountMinor: -amountMinor },
    ],
  };
}

/** Tokens arrived and are credited in another currency, through the two FX positions. @param arrivedIn as for `depositFlow` */
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
  arrivedIn: AccountRef = custody(stripe, deposit.chain, deposit.sourceCurrency),
): JournalDraft {
  const { sourceCurrency, sourceMinor, creditedCurrency, creditedMinor } = deposit;
  return {
    kind: 'deposit',
    transactionId: deposit.transactionId,
    postings: [
      { account: arrivedIn, amountMinor: sourceMinor },
      { account: fxPosition(stripe, sourceCurrency), amountMinor: -sourceMinor },
      { account: fxPosition(stripe, creditedCurrency), amountMinor: creditedMinor },
      { account: walletAvailable(deposit.walletId, creditedCurrency), amountMinor: -creditedMinor },
    ],
  };
}

/** A deposit that is taken back from its wallet, or credited again. */
export interface SharedDeposit {
  /** What the wallet pays or gets, in minor units of the credited currency. */
  readonly walletMinor: bigint;
  /** What the house pays or gets back. */
  readonly houseMinor: bigint;
}

/**
 * The block of a credited deposit vanished: the deposit is reversed line by line. The wallet gives back what it has; the rest is a loss
 * of the house.
 *
 * @param deposit the journal of a deposit, as `depositFlow` or `convertedDepositFlow` makes it
 */
export function reverseDepositFlow(
  stripe: Stripe,
  deposit: JournalDraft,
  share: SharedDeposit,
): JournalDraft {
  const postings = shareDeposit(stripe, deposit, share).map(reversed);
  return { kind: 'deposit_reversal', transactionId: deposit.transactionId, postings };
}

/** The transaction of a reversed deposit is in a block again: the house gets back its loss first, and the wallet the rest. */
export function restoreDepositFlow(
  stripe: Stripe,
  deposit: JournalDraft,
  share: SharedDeposit,
): JournalDraft {
  const postings = shareDeposit(stripe, deposit, share);
  return { kind: 'deposit_restore', transactionId: deposit.transactionId, postings };
}

/** The lines of a deposit with the wallet's own divided between wallet and house. */
function shareDeposit(
  stripe: Stripe,
  { postings }: JournalDraft,
  { houseMinor, walletMinor }: SharedDeposit,
): PostingDraft[] {
  return postings
    .flatMap((line): PostingDraft[] => {
      if (line.account.kind !== 'wallet_available') return [line];
      const loss = chainLoss(stripe, line.account.currency);
      return [
        { account: line.account, amountMinor: -walletMinor },
        { account: loss, amountMinor: -houseMinor },
      ];
    })
    .filter(({ amountMinor }) => amountMinor !== 0n);
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

/**
 * A transfer has arrived: the net amount has left custody, and the fee is earned.
 *
 * @param paidFrom the account that the amount leaves through: custody, or for an internal transfer the one between the two wallets
 */
export function settleTransferFlow(
  stripe: Stripe,
  chain: string,
  transfer: TransferMoney,
  paidFrom: AccountRef = custody(stripe, chain, transfer.currency),
): JournalDraft {
  const { amountMinor, currency, feeMinor, walletId } = transfer;
  const fee = feeMinor === 0n ? [] : [{ account: feeRevenue(stripe, currency), amountMinor: -feeMinor }];
  return {
    kind: 'transfer_settle',
    transactionId: transfer.transactionId,
    postings: [
      { account: walletInTransit(walletId, currency), amountMinor },
      { account: paidFrom, amountMinor: feeMinor - amountMinor },
      ...fee,
    ],
  };
}

/** A transfer whose net amount leaves the bank, or custody, in another currency. */
export interface PayoutMoney extends TransferMoney {
  readonly payoutCurrency: string;
  /** What is paid out, in minor units of the payout currency. */
  readonly finalMinor: bigint;
}

/** A payout has left the bank: the net amount is converted through the two FX positions, and the fee is earned. */
export function settlePayoutFlow(stripe: Stripe, payout: PayoutMoney): JournalDraft {
  return {
    kind: 'transfer_settle',
    transactionId: payout.transactionId,
    postings: payoutLines(stripe, payout, bank(stripe, payout.payoutCurrency)),
  };
}

/**
 * A transfer has arrived in another currency: its net amount is converted through the two FX positions.
 *
 * @param paidFrom as for `settleTransferFlow`
 */
export function settleConvertedTransferFlow(
  stripe: Stripe,
  chain: string,
  sent: PayoutMoney,
  paidFrom: AccountRef = custody(stripe, chain, sent.payoutCurrency),
): JournalDraft {
  return {
    kind: 'transfer_settle',
    transactionId: sent.transactionId,
    postings: payoutLines(stripe, sent, paidFrom),
  };
}

/** A payout was returned: the settlement is reversed line by line at its own rate, including the fee. */
export function returnPayoutFlow(stripe: Stripe, payout: PayoutMoney): JournalDraft {
  return reverseSettlementFlow(settlePayoutFlow(stripe, payout));
}

/** A settled transfer did not arrive after all: its settlement is reversed line by line, including the fee. */
export function reverseSettlementFlow({ postings, transactionId }: JournalDraft): JournalDraft {
  return { kind: 'transfer_return', transactionId, postings: postings.map(reversed) };
}

function reversed({ account, amountMinor }: PostingDraft): PostingDraft {
  return { account, amountMinor: -amountMinor };
}

function payoutLines(stripe: Stripe, payout: PayoutMoney, paidFrom: AccountRef): PostingDraft[] {
  const { amountMinor, currency, feeMinor, finalMinor, payoutCurrency, walletId } = payout;
  const fee = feeMinor === 0n ? [] : [{ account: feeRevenue(stripe, currency), amountMinor: -feeMinor }];
  return [
    { account: walletInTransit(walletId, currency), amountMinor },
    { account: fxPosition(stripe, currency), amountMinor: feeMinor - amountMinor },
    { account: fxPosition(stripe, payoutCurrency), amountMinor: finalMinor },
    { account: paidFrom, amountMinor: -finalMinor },
    ...fee,
  ];
}

/** A transfer ends without having arrived: its whole amount is available again. */
export function releaseTransferFlow(transfer: TransferMoney): JournalDraft {
  const { amountMinor, currency, walletId } = transfer;
  return {
    kind: 'transfer_release',
    transactionId: transfer.transactionId,
    postings: [
      { account: walletInTransit(walletId, currency), amountMinor },
      { account: walletAvailable(walletId, currency), amountMinor: -amountMinor },
    ],
  };
}

/** What the flows need to know of fiat money that has arrived for a wallet. */
export interface FiatDepositMoney {
  readonly transactionId: string;
  readonly walletId: string;
  readonly sourceCurrency: string;
  readonly sourceMinor: bigint;
  readonly feeMinor: bigint;
  readonly creditedCurrency: string;
  readonly creditedMinor: bigint;
}

/** Fiat money has arrived at the bank: it is converted after the fee, and credited to the wallet. */
export function fiatDepositFlow(stripe: Stripe, deposit: FiatDepositMoney): JournalDraft {
  const { creditedCurrency, creditedMinor, feeMinor, sourceCurrency, sourceMinor } = deposit;
  const fee =
    feeMinor === 0n ? [] : [{ account: feeRevenue(stripe, sourceCurrency), amountMinor: -feeMinor }];
  return {
    kind: 'deposit',
    transactionId: deposit.transactionId,
    postings: [
      { account: bank(stripe, sourceCurrency), amountMinor: sourceMinor },
      ...fee,
      { account: fxPosition(stripe, sourceCurrency), amountMinor: feeMinor - sourceMinor },
      { account: fxPosition(stripe, creditedCurrency), amountMinor: creditedMinor },
      { account: walletAvailable(deposit.walletId, creditedCurrency), amountMinor: -creditedMinor },
    ],
  };
}

/** Fiat money has arrived that cannot be credited: it is held for its sender, and sent back. */
export function returnedDepositFlows(
  stripe: Stripe,
  deposit: Pick<FiatDepositMoney, 'transactionId' | 'sourceCurrency' | 'sourceMinor'>,
): [JournalDraft, JournalDraft] {
  const { sourceCurrency: currency, sourceMinor, transactionId } = deposit;
  const line = (amountMinor: bigint): PostingDraft[] => [
    { account: bank(stripe, currency), amountMinor },
    { account: suspense(stripe, currency), amountMinor: -amountMinor },
  ];
  return [
    { kind: 'deposit_hold', transactionId, postings: line(sourceMinor) },
    { kind: 'deposit_return', transactionId, postings: line(-sourceMinor) },
  ];
}

/** What the flows need to know of an uncredited deposit that an operator decides about. */
export interface UncreditedMoney {
  /** The operator's action. */
  readonly actionId: string;
  readonly chain: string;
  readonly currency: string;
  readonly amountMinor: bigint;
}

/** Tokens that nobody is credited for are taken into custody, and owed to their sender until they are sent back. */
export function holdUncreditedFlow(stripe: Stripe, money: UncreditedMoney): JournalDraft {
  return uncreditedFlow('operator_hold', stripe, money, 1n);
}

/** Held tokens have left custody for the address that an operator named. */
export function returnUncreditedFlow(stripe: Stripe, money: UncreditedMoney): JournalDraft {
  return uncreditedFlow('operator_return', stripe, money, -1n);
}

/** Held tokens could not be sent back: they are uncredited again. */
export function releaseUncreditedFlow(stripe: Stripe, money: UncreditedMoney): JournalDraft {
  return uncreditedFlow('operator_release', stripe, money, -1n);
}

/** Tokens that nobody claims stay in custody, and are owed to their sender without a term. */
export function writeOffUncreditedFlow(stripe: Stripe, money: UncreditedMoney): JournalDraft {
  return uncreditedFlow('operator_write_off', stripe, money, 1n);
}

function uncreditedFlow(
  kind: OperatorJournalKind,
  stripe: Stripe,
  { actionId, amountMinor, chain, currency }: UncreditedMoney,
  sign: 1n | -1n,
): JournalDraft {
  return {
    kind,
    transactionId: actionId,
    postings: [
      { account: custody(stripe, chain, currency), amountMinor: sign * amountMinor },
      { account: suspense(stripe, currency), amountMinor: -sign * amountMinor },
    ],
  };
}

/** A token that is not on the books is taken over, and the customer credited by the house, at the operator's price. */
export function exchangeUncreditedFlow(
  stripe: Stripe,
  credit: { transactionId: string; walletId: string; currency: string; amountMinor: bigint },
): JournalDraft {
  const { amountMinor, currency, transactionId, walletId } = credit;
  return {
    kind: 'operator_exchange',
    transactionId,
    postings: [
      { account: fxPosition(stripe, currency), amountMinor },
      { account: walletAvailable(walletId, currency), amountMinor: -amountMinor },
    ],
  };
}

/** Tokens have left the treasury without a transfer: the house has lost them. */
export function treasuryOutflowFlow(
  stripe: Stripe,
  outflow: { outflowId: string; chain: string; currency: string; amountMinor: bigint },
): JournalDraft {
  const { amountMinor, chain, currency, outflowId } = outflow;
  return {
    kind: 'treasury_outflow',
    transactionId: outflowId,
    postings: [
      { account: chainLoss(stripe, currency), amountMinor },
      { account: custody(stripe, chain, currency), amountMinor: -amountMinor },
    ],
  };
}
