import { type Chain, chainsOf, currenciesOn, isStablecoin, type Stablecoin } from '../chains/registry.ts';
import { sandboxTxHash } from '../chains/sandbox.ts';
import { type ArrivedTokens, creditOf, depositAccounts, depositJournal } from '../onchain/deposits/credit.ts';
import { conflict, invalidRequest, type Refusal } from '../platform/errors.ts';
import { bucketOfId } from '../platform/ids.ts';
import type { RateProvider } from '../rates/provider.ts';
import { findWalletIn } from '../resources/crypto-wallets/commands.ts';
import { parseAmountField } from '../resources/fields.ts';
import type { CryptoDepositBody } from '../resources/sandbox/schema.ts';
import { transactionJson } from '../resources/transactions/schema.ts';
import { createdEvents, newTransaction } from '../resources/transactions/state.ts';
import type { TransactionRow } from '../store/tables/transactions.ts';
import type { WalletRow } from '../store/tables/wallets.ts';
import { accountReads, type Command, type DecideContext } from '../writer/command.ts';

/** The parsed request of a simulated crypto deposit. Amounts are in minor units. */
export interface DepositTerms {
  readonly chain: Chain;
  readonly sourceCurrency: Stablecoin;
  readonly sourceMinor: bigint;
  readonly creditedCurrency: Stablecoin;
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
  const arrived = { chain, currency, amountMinor: amount.minor };
  const credit = creditOf(arrived, rates.quote('usdt', 'usd', nowMs)?.sellRate);
  if (!credit) {
    const message = '`amount` must convert to at least one minor unit of usdc.';
    return { refusal: invalidRequest('amount_too_small', message, [{ path: '/amount', message }]) };
  }
  const { creditedMinor, currency: creditedCurrency, exchangeRate } = credit;
  const source = { chain, sourceCurrency: currency, sourceMinor: amount.minor };
  return { terms: { ...source, creditedCurrency, creditedMinor, exchangeRate } };
}

function arrivedOf(walletId: string, { chain, sourceCurrency, sourceMinor }: DepositTerms): ArrivedTokens {
  return { walletId, chain, currency: sourceCurrency, amountMinor: sourceMinor };
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
      ...accountReads(depositAccounts(stripe, arrivedOf(walletId, terms))),
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
        journals: [
          depositJournal(context, row.id, arrivedOf(walletId, terms), {
            ...terms,
            currency: terms.creditedCurrency,
          }),
        ],
        events: createdEvents(row, data),
      };
    },
  };
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
