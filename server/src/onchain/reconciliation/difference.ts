import type { ChainPort } from '../../chains/port.ts';
import type { Chain } from '../../chains/registry.ts';
import { currencyScale, formatAmount } from '../../platform/money.ts';
import type { Pool } from '../../store/pool.ts';
import { holdChain } from '../holds/commands.ts';
import { findLastReleased } from '../holds/queries.ts';
import type { Reconciliation } from './explain.ts';

/**
 * Whether a difference that nothing explains is above the maximum of the configuration. What an operator has seen and released does not
 * count, nor does a token whose balance before the first block is unknown.
 */
export async function isAboveMaximum(
  pool: Pool,
  { chain, config: { maxDifferenceMinor: maximum } }: ChainPort,
  tokens: readonly Reconciliation[],
): Promise<boolean> {
  if (maximum === undefined || tokens.every(({ unexplainedMinor }) => unexplainedMinor === 0n)) return false;
  const seen = (await findLastReleased(pool, chain, 'unexplained_difference'))?.figures ?? {};
  return tokens.some(({ books, currency, unexplainedMinor }) => {
    const since = unexplainedMinor - BigInt(seen[currency] ?? 0);
    return books.opening !== undefined && (since < 0n ? -since : since) > maximum;
  });
}

/** Holds the payments of a chain whose books and balances differ. */
export async function holdForDifference(
  pool: Pool,
  chain: Chain,
  tokens: readonly Reconciliation[],
): Promise<void> {
  const differing = tokens.filter(({ unexplainedMinor }) => unexplainedMinor !== 0n);
  const texts = differing.map(
    ({ currency, unexplainedMinor }) =>
      `${formatAmount(unexplainedMinor, currencyScale[currency])} ${currency}`,
  );
  const figures = Object.fromEntries(
    differing.map(({ currency, unexplainedMinor }) => [currency, unexplainedMinor.toString()]),
  );
  const text = `The books do not explain the balances on the chain: ${texts.join(', ')}. Run: openledger reconcile --chain ${chain}`;
  await holdChain(pool, chain, 'unexplained_difference', text, { figures });
}
