import type { ChainPort } from '../../chains/port.ts';
import type { Stablecoin } from '../../chains/registry.ts';
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
  for await (const page of listOpenOnChain(deps.pool, deps.port.chain, 'in_review')) {
    for (const transfer of page) {
      try {
        await screenOne(deps, transfer);
      } catch (error) {
        notes.push(`A transfer cannot be screened: ${(error as Error).message}`);
      }
    }
  }
}

async function screenOne({ port, screener, writer }: ScreeningDeps, transfer: LiveTransfer): Promise<void> {
  const verdict = await screen(screener, port, {
    transferId: transfer.id,
    customerId: transfer.customer_id,
    chain: port.chain,
    currency: transfer.source_currency as Stablecoin,
    amountMinor: transfer.amount_minor,
    address: transfer.destination_address,
  });
  await writer.submit(screenTransfer(transfer, verdict));
}

/** Rejects transfers to the treasury itself, and passes all others to the screener. */
async function screen(
  screener: Screener,
  { comparable, sender }: ChainPort,
  subject: ScreeningSubject,
): Promise<ScreeningVerdict> {
  if (comparable(subject.address) === comparable(sender.treasury)) {
    return {
      verdict: 'reject',
      reason: 'The destination must not be the address that transfers are sent from.',
    };
  }
  return screener.screen(subject);
}
