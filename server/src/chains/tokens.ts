import type { ChainConfig, Token } from './config.ts';
import { ChainError } from './errors.ts';
import type { Stablecoin } from './registry.ts';

/** Returns the token of a currency. @throws ChainError if it is not configured */
export function requireToken({ chain, tokens }: ChainConfig, currency: Stablecoin): Token {
  const token = tokens.find((known) => known.currency === currency);
  if (!token) throw new ChainError(`${currency} is not configured on ${chain}.`);
  return token;
}

/** The error for a token whose balances would be wrong by powers of ten. */
export function wrongDecimals(currency: Stablecoin, decimals: bigint | number | undefined): ChainError {
  return new ChainError(`The token configured for ${currency} must have 6 decimals; it has ${decimals}.`);
}
