import { checkAddress } from '../../chains/addresses.ts';
import {
  type Chain,
  chains,
  chainsOf,
  currenciesOn,
  isChain,
  type Stablecoin,
} from '../../chains/registry.ts';
import { conflict, type FaultDetail, invalidRequest, type Refusal } from '../../platform/errors.ts';
import {
  type Currency,
  currencyScale,
  formatAmount,
  multiplyRatio,
  type Ratio,
} from '../../platform/money.ts';
import type { TransactionStatus, WalletRow } from '../../store/rows.ts';
import { heldCurrencies } from '../crypto-wallets/lifecycle.ts';
import { readAmount } from '../fields.ts';
import type { CreateTransferBody } from './schema.ts';

/** A transfer's request once its fields have been understood. */
export interface TransferTerms {
  readonly amountMinor: bigint;
  readonly feeMinor: bigint;
  readonly currency: Currency;
  readonly chain: Chain;
  readonly address: string;
}

export type ReadTerms = { readonly terms: TransferTerms } | { readonly refusal: Refusal };

/**
 * Understands what a transfer's request asks for: rail, currencies, address and amount must fit each other.
 *
 * @param feeRate the part of the amount that we keep; rounded up to the smallest unit
 */
export function readTerms(body: CreateTransferBody, feeRate: Ratio): ReadTerms {
  const currency = (body.sourceCurrency ?? 'usdc') as Currency;
  const faults = pairFaults(body, currency);
  if (faults) return { refusal: faults };
  const chain = body.destinationPaymentRail as Chain;
  const address = checkAddress(chain, body.destinationAddress);
  const amount = readAmount(body.amount, currency);
  const details: FaultDetail[] = [];
  if (!amount.ok) details.push(amount.fault);
  if (!address.ok) details.push({ path: '/destinationAddress', message: address.fault });
  if (!amount.ok || !address.ok) {
    const reason = amount.ok ? 'invalid_address' : 'invalid_amount';
    return { refusal: invalidRequest(reason, details[0]?.message ?? 'The transfer is not valid.', details) };
  }
  const feeMinor = multiplyRatio(amount.minor, feeRate, 'up');
  if (feeMinor >= amount.minor) return { refusal: tooSmall(feeMinor, currency) };
  return { terms: { amountMinor: amount.minor, feeMinor, currency, chain, address: address.address } };
}

function tooSmall(feeMinor: bigint, currency: Currency): Refusal {
  const message = `Its fee of ${formatAmount(feeMinor, currencyScale[currency])} would eat the whole amount.`;
  return invalidRequest('amount_too_small', message, [{ path: '/amount', message }]);
}

/** Whether rail and currencies go together; the message names what would. */
function pairFaults(body: CreateTransferBody, currency: string): Refusal | undefined {
  const refuse = (reason: string, path: string, message: string): Refusal =>
    invalidRequest(reason, message, [{ path, message }]);
  const { destinationCurrency, destinationPaymentRail: rail } = body;
  if (!(heldCurrencies as readonly string[]).includes(currency)) {
    return refuse('unsupported_currency', '/sourceCurrency', `A wallet holds ${heldCurrencies.join(', ')}.`);
  }
  if (!isChain(rail)) {
    return refuse('unsupported_rail', '/destinationPaymentRail', `It must be one of: ${chains.join(', ')}.`);
  }
  if (destinationCurrency !== currency) {
    const message = `A transfer on a chain arrives in the currency it left in: ${currency}.`;
    return refuse('unsupported_currency', '/destinationCurrency', message);
  }
  if (!currenciesOn(rail).includes(currency as Stablecoin)) {
    const fitting = chainsOf(currency as Stablecoin).join(', ');
    return refuse(
      'unsupported_rail',
      '/destinationPaymentRail',
      `There is ${currency} on ${fitting}, not on ${rail}.`,
    );
  }
  return undefined;
}

/**
 * Why money may not leave a wallet.
 *
 * @param wallet undefined when the environment has none by that id
 * @param availableMinor what is in it of the currency
 */
export function refuseWithdrawal(
  wallet: WalletRow | undefined,
  customerId: string,
  availableMinor: bigint,
  { amountMinor, currency }: TransferTerms,
): Refusal | undefined {
  if (wallet?.customer_id !== customerId) {
    const message = 'The customer has no such wallet.';
    return invalidRequest('wallet_not_found', message, [{ path: '/walletId', message }]);
  }
  if (wallet.status !== 'active') {
    return conflict(`wallet_${wallet.status}`, `The wallet is ${wallet.status}: nothing can leave it.`);
  }
  if (availableMinor < amountMinor) {
    const scale = currencyScale[currency];
    const message = `The wallet has ${formatAmount(availableMinor, scale)} ${currency} available.`;
    return invalidRequest('insufficient_funds', message, [{ path: '/amount', message }]);
  }
  return undefined;
}

const nextOnChain: Partial<Record<TransactionStatus, TransactionStatus>> = {
  in_review: 'funds_received',
  funds_received: 'payment_submitted',
  payment_submitted: 'completed',
};

/** The status that follows when nothing goes wrong; undefined at the end. */
export function nextStatus(status: TransactionStatus): TransactionStatus | undefined {
  return nextOnChain[status];
}
