import { checkAddress } from '../../chains/addresses.ts';
import {
  type Chain,
  chains,
  chainsOf,
  currenciesOn,
  isChain,
  type Stablecoin,
} from '../../chains/registry.ts';
import { assert, type FaultDetail, invalidRequest, type Refusal } from '../../platform/errors.ts';
import { isId } from '../../platform/ids.ts';
import { limits } from '../../platform/limits.ts';
import {
  type Currency,
  convertAmount,
  currencyScale,
  formatAmount,
  multiplyRatio,
  parseRatio,
  type Ratio,
} from '../../platform/money.ts';
import type { FiatCode } from '../../rails/fiat.ts';
import { checkReference, isRail, type Rail, railFacts, railNames } from '../../rails/rails.ts';
import type { ConversionRate } from '../../rates/conversion.ts';
import { type HeldCurrency, heldCurrencies } from '../crypto-wallets/state.ts';
import { readAmount } from '../fields.ts';
import type { CreateTransferBody } from './schema.ts';

/** What leaves the wallet, and what is kept of it. */
interface Money {
  readonly amountMinor: bigint;
  readonly feeMinor: bigint;
  readonly currency: Currency;
}

/** A transfer to an address on a chain, once its request has been understood. */
export interface ChainTerms extends Money {
  readonly kind: 'chain';
  readonly chain: Chain;
  readonly address: string;
  /** The token that is sent: the currency that leaves the wallet, or the one that it is converted into. */
  readonly sentCurrency: Stablecoin;
  /** The most that may be sent, in its minor units: more where it is converted, for the rate is fixed later. */
  readonly mostMinor: bigint;
}

/** A transfer to a counterparty's account. */
export interface BankTerms extends Money {
  readonly kind: 'bank';
  readonly rail: Rail;
  readonly payoutCurrency: FiatCode;
  readonly counterpartyId: string;
  /** What would arrive at the rate of now, in minor units of the payout currency. */
  readonly expectedMinor: bigint;
}

export type TransferTerms = ChainTerms | BankTerms;

/** What the server charges and converts at. */
export interface Pricing {
  /** The parts of an amount that are kept; rounded up to the smallest unit. */
  readonly onChainFee: Ratio;
  readonly fiatFee: Ratio;
  /** @returns undefined when there is no rate now */
  convert(from: Currency, to: Currency): ConversionRate | undefined;
}

type ReadTerms = { readonly terms: TransferTerms } | { readonly refusal: Refusal };

/**
 * Understands what a transfer's request asks for: rail, currencies, address, reference and amount must fit each other.
 */
export function readTerms(body: CreateTransferBody, pricing: Pricing): ReadTerms {
  const { destinationPaymentRail: rail } = body;
  const currency = body.sourceCurrency ?? 'usdc';
  if (!isHeld(currency)) {
    return refuse('unsupported_currency', '/sourceCurrency', `A wallet holds ${heldCurrencies.join(', ')}.`);
  }
  if (isChain(rail)) return readChainTerms(body, rail, currency, pricing);
  if (isRail(rail)) return readBankTerms(body, rail, currency, pricing);
  const names = [...chains, ...railNames].join(', ');
  return refuse('unsupported_rail', '/destinationPaymentRail', `It must be one of: ${names}.`);
}

function isHeld(currency: string): currency is HeldCurrency {
  return (heldCurrencies as readonly string[]).includes(currency);
}

/** What a currency can arrive as on a chain. Deposits of USDT become USDC, so USDC can leave as USDT again. */
function sendableAs(currency: HeldCurrency): readonly Stablecoin[] {
  return currency === 'usdc' ? ['usdc', 'usdt'] : [currency];
}

function readChainTerms(
  body: CreateTransferBody,
  chain: Chain,
  currency: HeldCurrency,
  { convert, onChainFee }: Pricing,
): ReadTerms {
  const sentCurrency = sendableAs(currency).find((known) => known === body.destinationCurrency);
  if (sentCurrency === undefined) {
    const message = `On a chain ${currency} arrives as ${sendableAs(currency).join(' or ')}.`;
    return refuse('unsupported_currency', '/destinationCurrency', message);
  }
  if (!currenciesOn(chain).includes(sentCurrency)) {
    const message = `There is ${sentCurrency} on ${chainsOf(sentCurrency).join(', ')}, not on ${chain}.`;
    return refuse('unsupported_rail', '/destinationPaymentRail', message);
  }
  const { faults, money } = readMoney(body, currency, onChainFee);
  const address = checkAddress(chain, body.destinationAddress);
  if (!address.ok) faults.push(faultAt('invalid_address', '/destinationAddress', address.fault));
  if (!money || !address.ok) return { refusal: refusalFor(faults) };
  const terms = { ...money, kind: 'chain', chain, address: address.address, sentCurrency } as const;
  if (sentCurrency === currency)
    return { terms: { ...terms, mostMinor: money.amountMinor - money.feeMinor } };
  const rate = convert(currency, sentCurrency);
  if (!rate) return noRate(currency, sentCurrency);
  const expectedMinor = payoutMinor(money, sentCurrency, rate);
  if (expectedMinor === 0n) {
    return refuse('amount_too_small', '/amount', `Nothing of it would arrive in ${sentCurrency}.`);
  }
  return { terms: { ...terms, mostMinor: multiplyRatio(expectedMinor, withMargin, 'up') } };
}

const withMargin: Ratio = { numerator: 100n + BigInt(limits.proofMarginPercent), denominator: 100n };

function noRate(from: Currency, to: Currency): ReadTerms {
  const message = `There is no rate from ${from} to ${to} now; try again later.`;
  return refuse('rate_unavailable', '/destinationCurrency', message);
}

function readBankTerms(
  body: CreateTransferBody,
  rail: Rail,
  currency: HeldCurrency,
  { convert, fiatFee }: Pricing,
): ReadTerms {
  const { destinationAddress: counterpartyId, destinationCurrency, reference } = body;
  const payoutCurrency = railFacts(rail).currencies.find((known) => known === destinationCurrency);
  if (payoutCurrency === undefined) {
    const message = `The rail ${rail} pays ${railFacts(rail).currencies.join(', ')}.`;
    return refuse('unsupported_currency', '/destinationCurrency', message);
  }
  const { faults, money } = readMoney(body, currency, fiatFee);
  if (!isId(counterpartyId, 'pa')) {
    faults.push(
      faultAt('counterparty_not_found', '/destinationAddress', 'Give the id of a counterparty: pa_….'),
    );
  }
  const unfit = reference === undefined ? undefined : checkReference(rail, reference);
  if (unfit !== undefined) faults.push(faultAt('invalid_reference', '/reference', unfit));
  if (!money || faults.length > 0) return { refusal: refusalFor(faults) };
  const rate = convert(currency, payoutCurrency);
  if (!rate) return noRate(currency, payoutCurrency);
  const expectedMinor = payoutMinor(money, payoutCurrency, rate);
  return { terms: { ...money, kind: 'bank', rail, payoutCurrency, counterpartyId, expectedMinor } };
}

/** What arrives of a transfer: its net amount at the rate, rounded down, in minor units of the currency it arrives in. */
export function payoutMinor(money: Money, arrivingCurrency: Currency, { rate }: ConversionRate): bigint {
  const { amountMinor, currency, feeMinor } = money;
  const scales = [currencyScale[currency], currencyScale[arrivingCurrency]] as const;
  return convertAmount(amountMinor - feeMinor, ...scales, parseRatio(rate), 'down');
}

interface Fault extends FaultDetail {
  readonly reason: string;
}

function faultAt(reason: string, path: string, message: string): Fault {
  return { reason, path, message };
}

function readMoney(
  body: CreateTransferBody,
  currency: Currency,
  feeRate: Ratio,
): { readonly faults: Fault[]; readonly money?: Money } {
  const amount = readAmount(body.amount, currency);
  if (!amount.ok) return { faults: [{ reason: 'invalid_amount', ...amount.fault }] };
  const feeMinor = multiplyRatio(amount.minor, feeRate, 'up');
  if (feeMinor < amount.minor)
    return { faults: [], money: { amountMinor: amount.minor, feeMinor, currency } };
  const message = `Its fee of ${formatAmount(feeMinor, currencyScale[currency])} would eat the whole amount.`;
  return { faults: [faultAt('amount_too_small', '/amount', message)] };
}

/** One refusal for all faults at once; the first one is its reason. */
function refusalFor(faults: readonly Fault[]): Refusal {
  const [first] = faults;
  assert(first, 'a refusal has a fault');
  const details = faults.map(({ path, message }) => ({ path, message }));
  return invalidRequest(first.reason, first.message, details);
}

function refuse(reason: string, path: string, message: string): ReadTerms {
  return { refusal: refusalFor([faultAt(reason, path, message)]) };
}
