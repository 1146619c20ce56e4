import { ChainError } from '../../chains/errors.ts';
import type { ChainPort } from '../../chains/port.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Metrics } from '../../platform/metrics.ts';
import { currencyScale } from '../../platform/money.ts';
import type { Pool } from '../../store/pool.ts';
import type { Writer } from '../../writer/writer.ts';
import type { ChainDeposit } from './commands.ts';
import { creditedCurrency } from './credit.ts';
import { findCredited, type StoredDeposit } from './queries.ts';
import { reverseDeposit } from './reversal-commands.ts';

/** What reversing deposits needs. */
interface ReversalDeps {
  readonly pool: Pool;
  readonly port: ChainPort;
  readonly writer: Writer;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/**
 * Reverses final deposits whose blocks vanished, and tells the operator what the house has lost by each.
 *
 * @returns how many were reversed
 * @throws ChainError if another process changes one of them
 */
export async function reverseDeposits(
  { logger, metrics, port, writer }: ReversalDeps,
  stored: readonly StoredDeposit[],
): Promise<number> {
  let count = 0;
  for (const { deposit, known } of stored) {
    const outcome = await writer.submit(reverseDeposit(deposit, known));
    if (outcome.kind !== 'accepted') {
      throw new ChainError(`Another process changes the deposits of ${port.chain}.`);
    }
    const { isReversed, lostMinor, takenMinor } = outcome.result;
    if (!isReversed) continue;
    count += 1;
    const { chain } = port;
    const currency = creditedCurrency(deposit.currency);
    const { height, id, txHash } = deposit;
    metrics.chainDepositsReversed.inc({ chain });
    metrics.chainLosses.inc({ chain, currency }, Number(lostMinor) / 10 ** currencyScale[currency]);
    const facts = {
      chain,
      id,
      txHash,
      height,
      currency,
      takenMinor: `${takenMinor}`,
      lostMinor: `${lostMinor}`,
    };
    if (lostMinor === 0n)
      logger.warn(facts, 'a credited deposit is no longer in the chain, and was taken back');
    else logger.error(facts, 'a credited deposit is no longer in the chain, and the house has lost by it');
  }
  return count;
}

/**
 * Reverses credited deposits whose transactions are in other blocks now and have brought other amounts there. They are credited again with
 * these.
 *
 * @param deposits what the blocks that are final now have brought
 */
export async function reverseChanged(deps: ReversalDeps, deposits: readonly ChainDeposit[]): Promise<void> {
  if (deposits.length === 0) return;
  const current = new Map(deposits.map((deposit) => [deposit.id, deposit]));
  const changed = (await findCredited(deps.pool, deposits)).filter(({ deposit }) => {
    const now = current.get(deposit.id);
    return now && now.blockId !== deposit.blockId && now.amountMinor !== deposit.amountMinor;
  });
  await reverseDeposits(deps, changed);
}
