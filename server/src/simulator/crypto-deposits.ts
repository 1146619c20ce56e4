import { type Chain, chainsOf, currenciesOn, isStablecoin } from '../chains/registry.ts';
import { sandboxTxHash } from '../chains/sandbox.ts';
import { custody, fxPosition, type Stripe, walletAvailable } from '../ledger/accounts.ts';
import { convertedDepositFlow, depositFlow } from '../ledger/flows.ts';
import type { JournalDraft } from '../ledger/journal.ts';
import { conflict, invalidRequest, type Refusal } from '../platform/errors.ts';
import { bucketOfId } from '../platform/ids.ts';
import { type Currency, convertAmount, currencyScale, parseRatio } from '../platform/money.ts';
import type { RateProvider } from '../rates/provider.ts';
import { findWalletIn } from '../resources/crypto-wallets/commands.ts';
import { parseAmountField } from '../resources/fields.ts';
import type { CryptoDepositBody } from '../resources/sandbox/schema.ts';
import { transactionJson } from '../resources/transactions/schema.ts';
import { createdEvents, newTransaction } from '../resources/transactions/state.ts';
import type { TransactionRow, WalletRow } from '../store/rows.ts';
import { accountReads, type Command, type DecideContext } from '../writer/command.ts';

/** The parsed request of a simulated crypto deposit. Amounts are in minor units. */
export interface DepositTerms {
  readonly chain: Chain;
  readonly sourceCurrency: Currency;
  readonly sourceMinor: bigint;
  readonly creditedCurrency: Currency;
  readonly creditedMinor: bigint;
  /** Null if the deposit is not converted. */
  readonly exchangeRate: string | null;
}

/**
 * Parses the request of a simulated deposit. USDT is converted into USDC at the current sell rate, rounded down; every
 * other currency is credited as it is (contract §4, Crypto wallets).
 *
 * @param nowMs the time of the rate, in milliseconds since the Unix epoch
 */
export function parseCryptoDeposit(
  body: CryptoDepositBody,
  rates: RateProvider,
  nowMs: number,
): { readonly terms: DepositTerms } | { readonly refusal: Refusal } {
  const { chain, currency } = body;
  if (!isStablecoin(currency) || !currenciesOn(chain).includes(currency)) {
    const fitting = isStablecoin(currency) ? chainsOf(currency) : [];
    const elsewhere = fitting.length > 0 ? ` ${currency} exists on ${fitting.join(', ')}.` : '';
    const message = `\`currency\` must be a currency of ${chain}: ${currenciesOn(chain).join(', ')}.${elsewhere}`;
    return { refusal: invalidRequest('unsupported_currency', message, [{ path: '/currency', message }]) };
  }
  const amount = parseAmountField(body.amount, currency);
  if (!amount.ok) return { refusal: invalidRequest('invalid_amount', amount.fault.message, [amount.fault]) };
  const arrived = { chain, sourceCurrency: currency, sourceMinor: amount.minor };
  if (currency !== 'usdt') {
    return {
      terms: { ...arrived, creditedCurrency: currency, creditedMinor: amount.minor, exchangeRate: null },
    };
  }
  return convertUsdt(arrived, rates.quote('usdt', 'usd', nowMs)?.sellRate);
}

function convertUsdt(
  arrived: Pick<DepositTerms, 'chain' | 'sourceCurrency' | 'sourceMinor'>,
  rate: string | undefined,
): { readonly terms: DepositTerms } | { readonly refusal: Refusal } {
  const creditedMinor =
    rate === undefined
      ? 0n
      : convertAmount(arrived.sourceMinor, currencyScale.usdt, currencyScale.usdc, parseRatio(rate), 'down');
  if (rate === undefined || creditedMinor === 0n) {
    const message = '`amount` must convert to at least one minor unit of usdc.';
    return { refusal: invalidRequest('amount_too_small', message, [{ path: '/amount', message }]) };
  }
  return { terms: { ...arrived, creditedCurrency: 'usdc', creditedMinor, exchangeRate: rate } };
}

/** Creates a completed deposit to a wallet's address on a simulated chain. */
export function createCryptoDeposit(
  environmentId: string,
  walletId: string,
  terms: DepositTerms,
): Command<string> {
  const bucket = bucketOfId(walletId);
  return {
    name: 'create_crypto_deposit',
    environmentId,
    bucket,
    reads: (stripe) => [
      { table: 'wallets', bucket, id: walletId },
      ...accountReads(accountsOf(stripe, walletId, terms)),
    ],
    decide(state, context) {
      const wallet = findWalletIn(state, context, walletId);
      if (!wallet) {
        const message = '`walletId` must be a wallet of the environment.';
        return { refusal: invalidRequest('wallet_not_found', message, [{ path: '/walletId', message }]) };
      }
      if (wallet.status === 'closed') {
        return {
          refusal: conflict(
            'wallet_closed',
            'The wallet is closed; it must be active or frozen to receive deposits.',
          ),
        };
      }
      const row = newDeposit(wallet, terms, context);
      const data = transactionJson(row);
      return {
        result: data,
        writes: [{ table: 'transactions', row }],
        journals: [depositJournal(row, terms, context)],
        events: createdEvents(row, data),
      };
    },
  };
}

function accountsOf(stripe: Stripe, walletId: string, terms: DepositTerms) {
  const { chain, creditedCurrency, sourceCurrency } = terms;
  const positions =
    sourceCurrency === creditedCurrency
      ? []
      : [fxPosition(stripe, sourceCurrency), fxPosition(stripe, creditedCurrency)];
  return [custody(stripe, chain, sourceCurrency), ...positions, walletAvailable(walletId, creditedCurrency)];
}

function newDeposit(wallet: WalletRow, terms: DepositTerms, context: DecideContext): TransactionRow {
  const id = context.newId('txn');
  return newTransaction(context, {
    id,
    customer_id: wallet.customer_id,
    wallet_id: wallet.id,
    type: 'deposit',
    status: 'completed',
    amount_minor: terms.sourceMinor,
    source_currency: terms.sourceCurrency,
    destination_currency: terms.creditedCurrency,
    fee_minor: 0n,
    source_payment_rail: terms.chain,
    source_tx_hash: sandboxTxHash(terms.chain, id),
    final_minor: terms.creditedMinor,
    exchange_fee_minor: 0n,
    exchange_rate: terms.exchangeRate,
  });
}

function depositJournal(row: TransactionRow, terms: DepositTerms, stripe: Stripe): JournalDraft {
  const named = { transactionId: row.id, walletId: row.wallet_id };
  if (terms.exchangeRate !== null) return convertedDepositFlow(stripe, { ...named, ...terms });
  const { chain, creditedCurrency: currency, creditedMinor: amountMinor } = terms;
  return depositFlow(stripe, { ...named, chain, currency, amountMinor });
}
