import { checkDestination, type OwnAddresses } from '../../chains/destinations.ts';
import {
  type Chain,
  chains,
  chainsOf,
  currenciesOn,
  isChain,
  type Stablecoin,
} from '../../chains/registry.ts';
import { type PayoutTerms, parsePayoutRequest } from '../../fiat/payouts/request.ts';
import type { Refusal } from '../../platform/errors.ts';
import { limits } from '../../platform/limits.ts';
import { multiplyRatio, type Ratio } from '../../platform/money.ts';
import { isRail, railNames } from '../../rails/rails.ts';
import { type HeldCurrency, heldCurrencies } from '../crypto-wallets/state.ts';
import { payoutMinor } from './pricing.ts';
import {
  faultAt,
  type Pricing,
  parseTransferAmount,
  rateUnavailable,
  refusalFor,
  refuse,
  type TransferAmount,
} from './request-amount.ts';
import type { CreateTransferBody } from './schema.ts';

/** The parsed request of a transfer to an address on a chain. */
export interface ChainTerms extends TransferAmount {
  readonly kind: 'chain';
  readonly chain: Chain;
  readonly address: string;
  /** The token that is sent: the currency that leaves the wallet, or the one that it is converted into. */
  readonly sentCurrency: Stablecoin;
  /**
   * The most that may be sent, in minor units of `sentCurrency`. A conversion has a margin, because its rate is fixed
   * later.
   */
  readonly mostMinor: bigint;
  /** The part of the fee that is charged for the receiver's token account; undefined where nobody is charged. */
  readonly accountFeeMinor?: bigint;
}

export type TransferTerms = ChainTerms | PayoutTerms;

type ParsedTransfer = { readonly terms: TransferTerms } | { readonly refusal: Refusal };

const noAddresses: OwnAddresses = new Set();

/**
 * Parses a transfer request: rail, currencies, address, reference and amount must fit each other.
 *
 * @param own addresses of the house, which are no destinations
 * @returns the terms, or a refusal that lists every fault
 */
export function parseTransferRequest(
  body: CreateTransferBody,
  pricing: Pricing,
  own: OwnAddresses = noAddresses,
): ParsedTransfer {
  const { destinationPaymentRail: rail } = body;
  const currency = body.sourceCurrency ?? 'usdc';
  if (!isHeld(currency)) {
    const message = `\`sourceCurrency\` must be one of: ${heldCurrencies.join(', ')}.`;
    return refuse('unsupported_currency', '/sourceCurrency', message);
  }
  if (isChain(rail)) return parseChainTransfer(body, rail, currency, pricing, own);
  if (isRail(rail)) return parsePayoutRequest(body, rail, currency, pricing);
  const names = [...chains, ...railNames].join(', ');
  return refuse(
    'unsupported_rail',
    '/destinationPaymentRail',
    `\`destinationPaymentRail\` must be one of: ${names}.`,
  );
}

function isHeld(currency: string): currency is HeldCurrency {
  return (heldCurrencies as readonly string[]).includes(currency);
}

/** The tokens that a currency can be sent as. Deposits of USDT become USDC, so USDC can be sent as USDT. */
function sendableAs(currency: HeldCurrency): readonly Stablecoin[] {
  return currency === 'usdc' ? ['usdc', 'usdt'] : [currency];
}

function parseChainTransfer(
  body: CreateTransferBody,
  chain: Chain,
  currency: HeldCurrency,
  { accountFeeMinor, convert, onChainFee }: Pricing,
  own: OwnAddresses,
): ParsedTransfer {
  const sentCurrency = sendableAs(currency).find((known) => known === body.destinationCurrency);
  if (sentCurrency === undefined) {
    const message = `\`destinationCurrency\` must be ${sendableAs(currency).join(' or ')} when ${currency} is sent on a chain.`;
    return refuse('unsupported_currency', '/destinationCurrency', message);
  }
  if (!currenciesOn(chain).includes(sentCurrency)) {
    const message = `\`destinationPaymentRail\` must be a chain of ${sentCurrency}: ${chainsOf(sentCurrency).join(', ')}.`;
    return refuse('unsupported_rail', '/destinationPaymentRail', message);
  }
  const { amount, faults } = parseTransferAmount(body.amount, currency, onChainFee, accountFeeMinor ?? 0n);
  const address = checkDestination(chain, body.destinationAddress, own);
  if (!address.ok) {
    const reason = address.isAddress ? 'unusable_address' : 'invalid_address';
    faults.push(faultAt(reason, '/destinationAddress', address.fault));
  }
  if (!amount || !address.ok) return { refusal: refusalFor(faults) };
  const charged = accountFeeMinor === undefined ? {} : { accountFeeMinor };
  const destination = { chain, address: address.address, sentCurrency, ...charged };
  const terms = { ...amount, kind: 'chain', ...destination } as const;
  if (sentCurrency === currency)
    return { terms: { ...terms, mostMinor: amount.amountMinor - amount.feeMinor } };
  const rate = convert(currency, sentCurrency);
  if (!rate) return rateUnavailable(currency, sentCurrency);
  const expectedMinor = payoutMinor(amount, sentCurrency, rate);
  if (expectedMinor === 0n) {
    const message = `\`amount\` must convert to at least one minor unit of ${sentCurrency}.`;
    return refuse('amount_too_small', '/amount', message);
  }
  return { terms: { ...terms, mostMinor: multiplyRatio(expectedMinor, withMargin, 'up') } };
}

const withMargin: Ratio = { numerator: 100n + BigInt(limits.proofMarginPercent), denominator: 100n };
