import { limits } from '../../platform/limits.ts';
import type { Logger } from '../../platform/logger.ts';
import { startWorker, type Worker } from '../../platform/worker-loop.ts';
import type { RateProvider } from '../../rates/provider.ts';
import type { EnvironmentClocks } from '../../store/environment-clocks.ts';
import type { Pool } from '../../store/pool.ts';
import type { Writer } from '../../writer/writer.ts';
import { closeInternalTransfer, creditInternalTransfer } from './commands.ts';
import { listOpenInternalTransfers, type OpenInternalTransfer } from './queries.ts';

/** What crediting internal transfers needs. */
export interface InternalTransfersDeps {
  readonly pool: Pool;
  readonly writer: Writer;
  readonly clocks: EnvironmentClocks;
  readonly logger: Logger;
  /** @returns undefined if no source of rates is configured */
  ratesFor(kind: 'test' | 'live'): RateProvider | undefined;
}

/**
 * Starts the worker that credits the receivers of internal transfers that one statement could not settle: their wallets are in
 * another lane or environment than the senders', or there was no rate. Several processes may run it.
 */
export function startInternalTransfers(deps: InternalTransfersDeps): Worker {
  return startWorker('internal transfers', deps.logger, limits.workerPollMs, async () => {
    const open = await listOpenInternalTransfers(deps.pool);
    const credited = await Promise.all(open.map((transfer) => creditOpen(deps, transfer)));
    return open.length === limits.dueTransferBatch && credited.some(Boolean);
  });
}

/**
 * Credits the receiver, and then closes the transfer. After a crash in between, the deposit exists and is not written again.
 *
 * @returns whether it is credited
 */
async function creditOpen(
  { clocks, logger, ratesFor, writer }: InternalTransfersDeps,
  { kind, row }: OpenInternalTransfer,
): Promise<boolean> {
  try {
    const nowMs = clocks.nowIn(row.receiver_environment_id);
    const sellRate = ratesFor(kind)?.quote('usdt', 'usd', nowMs)?.sellRate;
    const outcome = await writer.submit(creditInternalTransfer(row, sellRate), undefined, kind);
    if (outcome.kind !== 'accepted' || !outcome.result) return false;
    await writer.submit(closeInternalTransfer(row), undefined, kind);
    return true;
  } catch (error) {
    // One that cannot be credited must not hold up the others.
    logger.error({ err: error, transfer: row.id }, 'the receiver of an internal transfer cannot be credited');
    return false;
  }
}
