import { findReceivers } from '../onchain/internal/queries.ts';
import { type Clock, toIsoTime } from '../platform/clock.ts';
import { limits } from '../platform/limits.ts';
import type { Logger } from '../platform/logger.ts';
import type { Currency } from '../platform/money.ts';
import { startWorker, type Worker } from '../platform/worker-loop.ts';
import { conversionRate } from '../rates/conversion.ts';
import type { RateProvider } from '../rates/provider.ts';
import type { AddressOwner } from '../resources/crypto-wallets/address-owners.ts';
import { type DueTransfer, listDueTransfers } from '../resources/transfers/queries.ts';
import type { EnvironmentClocks } from '../store/environment-clocks.ts';
import type { Pool } from '../store/pool.ts';
import type { TransactionStatus } from '../store/tables/transactions.ts';
import type { Writer } from '../writer/writer.ts';
import { advanceDueTransfer } from './commands.ts';
import { sandboxBooking } from './internal-transfers.ts';

interface SimulatorDeps {
  readonly pool: Pool;
  readonly writer: Writer;
  readonly clock: Clock;
  readonly clocks: EnvironmentClocks;
  readonly rates: RateProvider;
  readonly logger: Logger;
  readonly stepMs: number;
}

/** Starts the worker that makes the due transitions of sandbox transfers. */
export function startSimulator(deps: SimulatorDeps): Worker {
  const restMs = Math.max(20, Math.min(limits.workerPollMs, deps.stepMs));
  return startWorker('sandbox simulator', deps.logger, restMs, async () => {
    const { clock, clocks, pool } = deps;
    const due = await listDueTransfers(pool, toIsoTime(clock.now()), toIsoTime(clocks.latestMs()));
    const receivers = await findReceivers(
      pool,
      due.filter(({ status }) => settlesNext.has(status)),
    );
    await Promise.all(due.map((key) => advance(key, deps, receivers.get(key.id))));
    return due.length === limits.dueTransferBatch;
  });
}

/** Where a transfer to a deposit address takes another way than the others. */
const settlesNext: ReadonlySet<TransactionStatus> = new Set(['funds_received', 'payment_submitted']);

async function advance(
  key: DueTransfer,
  { clocks, rates, stepMs, writer }: SimulatorDeps,
  owner: AddressOwner | undefined,
): Promise<void> {
  const [from, to] = [key.source_currency as Currency, key.destination_currency as Currency];
  const nowMs = clocks.nowIn(key.environment_id);
  const conversion = conversionRate(rates, from, to, nowMs);
  const booking = sandboxBooking({ rates, writer }, key, owner, nowMs);
  await writer.submit(advanceDueTransfer(key, { stepMs, conversion }, booking), undefined, 'test');
}
