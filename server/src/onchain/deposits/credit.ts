import type { Chain, Stablecoin } from '../../chains/registry.ts';
import {
  type AccountRef,
  chainLoss,
  custody,
  fxPosition,
  type Stripe,
  walletAvailable,
} from '../../ledger/accounts.ts';
import { convertedDepositFlow, depositFlow } from '../../ledger/flows.ts';
import type { JournalDraft } from '../../ledger/journal.ts';
import { convertAmount, currencyScale, parseRatio } from '../../platform/money.ts';

/** Tokens that arrived for a wallet, on a real or a simulated chain. Amounts are in minor units. */
export interface ArrivedTokens {
  readonly walletId: string;
  readonly chain: Chain;
  readonly currency: Stablecoin;
  readonly amountMinor: bigint;
}

/** What a wallet is credited for a deposit. */
export interface DepositCredit {
  readonly currency: Stablecoin;
  readonly creditedMinor: bigint;
  /** US dollars per USDT; null without a conversion. */
  readonly exchangeRate: string | null;
}

/** The currency that a deposit is credited in: USDC for USDT, otherwise its own (contract §4, Crypto wallets). */
export function creditedCurrency(currency: Stablecoin): Stablecoin {
  return currency === 'usdt' ? 'usdc' : currency;
}

/**
 * Converts a deposit: USDT to USDC at the sell rate, rounded down; any other currency is credited unchanged.
 *
 * @param sellRate US dollars per USDT; undefined if there is no rate
 * @returns undefined if there is no rate, or if the converted amount is 0
 */
export function creditOf(
  { amountMinor, currency }: Pick<ArrivedTokens, 'amountMinor' | 'currency'>,
  sellRate: string | undefined,
): DepositCredit | undefined {
  const credited = creditedCurrency(currency);
  if (credited === currency) return { currency, creditedMinor: amountMinor, exchangeRate: null };
  if (sellRate === undefined) return undefined;
  const scales = [currencyScale[currency], currencyScale[credited]] as const;
  const creditedMinor = convertAmount(amountMinor, ...scales, parseRatio(sellRate), 'down');
  return creditedMinor > 0n ? { currency: credited, creditedMinor, exchangeRate: sellRate } : undefined;
}

/** The ledger accounts that the journals of a deposit can use, without the house's loss. @param arrivedIn custody if omitted */
export function depositAccounts(
  stripe: Stripe,
  { chain, currency, walletId }: Omit<ArrivedTokens, 'amountMinor'>,
  arrivedIn: AccountRef = custody(stripe, chain, currency),
) {
  const credited = creditedCurrency(currency);
  const positions = credited === currency ? [] : [fxPosition(stripe, currency), fxPosition(stripe, credited)];
  return [arrivedIn, ...positions, walletAvailable(walletId, credited)];
}

/** The account of the house's loss, if the deposit is reversed. */
export function depositLoss(stripe: Stripe, currency: Stablecoin) {
  return chainLoss(stripe, creditedCurrency(currency));
}

/** The journal that credits a deposit. @param arrivedIn custody if omitted */
export function depositJournal(
  stripe: Stripe,
  transactionId: string,
  { amountMinor, chain, currency, walletId }: ArrivedTokens,
  credit: DepositCredit,
  arrivedIn?: AccountRef,
): JournalDraft {
  if (credit.exchangeRate === null) {
    return depositFlow(stripe, { transactionId, walletId, chain, currency, amountMinor }, arrivedIn);
  }
  const converted = {
    transactionId,
    walletId,
    chain,
    sourceCurrency: currency,
    sourceMinor: amountMinor,
    creditedCurrency: credit.currency,
    creditedMinor: credit.creditedMinor,
  };
  return convertedDepositFlow(stripe, converted, arrivedIn);
}
