import { mapInBatches } from '../../chains/batches.ts';
import { checkDestination, type OwnAddresses, ownAddressesOf } from '../../chains/destinations.ts';
import type { ChainPort } from '../../chains/port.ts';
import type { Stablecoin } from '../../chains/registry.ts';
import { limits } from '../../platform/limits.ts';
import { type LiveTransfer, listOpenOnChain } from '../../resources/transfers/queries.ts';
import type { Screener, ScreeningSubject, ScreeningVerdict } from '../../screening/port.ts';
import type { Pool } from '../../store/pool.ts';
import type { Writer } from '../../writer/writer.ts';
import { screenTransfer } from './commands.ts';

interface ScreeningDeps {
  readonly pool: Pool;
  readonly writer: Writer;
  readonly port: ChainPort;
  readonly screener: Screener;
}

/**
 * Screens the transfers of a chain that have not been screened.
 *
 * @param notes receives the reasons of those that cannot be screened now
 */
export async function screenTransfers(deps: ScreeningDeps, notes: string[]): Promise<void> {
  const { chain, config, sender } = deps.port;
  const own = ownAddressesOf([{ chain, address: sender.treasury }], [config]);
  for await (const page of listOpenOnChain(deps.pool, deps.port.chain, 'in_review')) {
    await mapInBatches(page, limits.screeningConcurrency, async (transfer) => {
      try {
        await screenOne(deps, own, transfer);
      } catch (error) {
        notes.push(`A transfer cannot be screened: ${(error as Error).message}`);
      }
    });
  }
}

async function screenOne(
  { port, screener, writer }: ScreeningDeps,
  own: OwnAddresses,
  transfer: LiveTransfer,
): Promise<void> {
  const verdict = await screen(screener, own, {
    transferId: transfer.id,
    customerId: transfer.customer_id,
    chain: port.chain,
    currency: transfer.source_currency as Stablecoin,
    amountMinor: transfer.amount_minor,
    address: transfer.destination_address,
  });
  await writer.submit(screenTransfer(transfer, verdict));
}

/** Rejects what was accepted for a destination that nobody can use, and passes everything else to the screener. */
async function screen(
  screener: Screener,
  own: OwnAddresses,
  subject: ScreeningSubject,
): Promise<ScreeningVerdict> {
  const destination = checkDestination(subject.chain, subject.address, own);
  if (!destination.ok) return { verdict: 'reject', reason: destination.fault };
  return screener.screen(subject);
}
