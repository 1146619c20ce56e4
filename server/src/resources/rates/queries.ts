import { type FaultDetail, invalidRequest, type Refusal } from '../../platform/errors.ts';
import { lowerAscii } from '../../rails/identifiers/checked.ts';
import type { CurrencyPair, Quote, RateProvider } from '../../rates/provider.ts';

/**
 * Finds the rates of a pair.
 *
 * @param provider undefined if the environment has none
 * @param nowMs milliseconds since the Unix epoch, by the environment's clock
 */
export function findRate(
  provider: RateProvider | undefined,
  from: string,
  to: string,
  nowMs: number,
): { readonly quote: Quote } | { readonly refusal: Refusal } {
  if (!provider) {
    const message = 'This server has no source of live exchange rates; use a test key, or ask its operator.';
    return { refusal: invalidRequest('rates_not_configured', message) };
  }
  const pairs = provider.pairs();
  if (!pairs.some((pair) => pair.from === from && pair.to === to))
    return { refusal: unknownPair(pairs, from, to) };
  const quote = provider.quote(from, to, nowMs);
  if (quote) return { quote };
  const message = `There is no current rate from ${from} to ${to}; try again later.`;
  return { refusal: invalidRequest('rate_unavailable', message) };
}

function unknownPair(pairs: readonly CurrencyPair[], from: string, to: string): Refusal {
  const sources = [...new Set(pairs.map((pair) => pair.from as string))];
  const fitting = pairs.filter((pair) => pair.from === from).map((pair) => pair.to as string);
  const details: FaultDetail[] = [];
  if (fitting.length === 0) details.push({ path: 'query.from', message: ruleFor(from, sources) });
  const destinations = fitting.length > 0 ? fitting : [...new Set(pairs.map((pair) => pair.to as string))];
  if (!destinations.includes(to)) details.push({ path: 'query.to', message: ruleFor(to, destinations) });
  const list = pairs.map((pair) => `${pair.from} to ${pair.to}`).join(', ');
  return invalidRequest('unsupported_pair', `The pair of currencies must be one of: ${list}.`, details);
}

function ruleFor(code: string, codes: readonly string[]): string {
  const lower = lowerAscii(code);
  if (lower !== code && codes.includes(lower)) return `It must be in lower case: ${lower}.`;
  return `It must be one of: ${codes.join(', ')}.`;
}
