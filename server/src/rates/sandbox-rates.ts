import { hash } from 'node:crypto';
import { parseRatio, type Ratio } from '../platform/money.ts';
import { createRateProvider, type QuotedCurrency, type RateProvider, type Spreads } from './provider.ts';

/** A new rate about every 30 s (contract §4, Rates). */
const windowMs = 30_000;

/**
 * Units for one usd that rates move around: mid-market rates of autumn 2025, rounded. EURC is not listed, because it
 * follows the euro.
 */
const published: Readonly<Record<Exclude<QuotedCurrency, 'eurc'>, string>> = {
  gbp: '0.7511',
  eur: '0.8600',
  usdt: '1.0002',
  mxn: '18.40',
  brl: '5.35',
  ghs: '11.0',
  ngn: '1450',
  kes: '129.2',
  ugx: '3600',
  rwf: '1450',
  tzs: '2450',
  xof: '564',
  xaf: '564',
  zmw: '22.5',
  pyusd: '1.0000',
};

/**
 * How far a mid-market rate moves, in millionths. With the default spreads, waiting for a better rate gains nothing. The
 * euro moves less than other currencies, because EURC adds its own movement to it.
 */
const fiatSwing = 2000n;
const stablecoinSwing = 300n;
const swings: Partial<Record<QuotedCurrency, bigint>> = {
  eur: 500n,
  usdt: stablecoinSwing,
  pyusd: stablecoinSwing,
  eurc: stablecoinSwing,
};

/**
 * Creates the sandbox rates. They are pure functions of the time, so that they are equal in every process and follow each
 * environment's clock.
 */
export function createSandboxRates(spreads: Spreads): RateProvider {
  return createRateProvider(
    { midOf: (currency, nowMs) => midIn(currency, Math.floor(nowMs / windowMs)) },
    spreads,
  );
}

function midIn(currency: QuotedCurrency, windowNumber: number): Ratio {
  const around = currency === 'eurc' ? midIn('eur', windowNumber) : parseRatio(published[currency]);
  const swing = swings[currency] ?? fiatSwing;
  const noise = (hash('sha256', `${currency}/${windowNumber}`, 'buffer') as Buffer).readUInt32BE(0);
  const millionths = 1_000_000n - swing + (BigInt(noise) * (2n * swing + 1n)) / 2n ** 32n;
  return { numerator: around.numerator * millionths, denominator: around.denominator * 1_000_000n };
}
