import type { BlockingReason } from '../../chains/errors.ts';
import { bucketOfId } from '../../platform/ids.ts';
import type { AddressOwner } from '../../resources/crypto-wallets/address-owners.ts';
import { type LiveTransfer, listOpenOnChain } from '../../resources/transfers/queries.ts';
import { nothingArrives } from '../../resources/transfers/transition.ts';
import { bookInternalTransfer } from '../internal/commands.ts';
import { findReceivers } from '../internal/queries.ts';
import { failTransfer } from './commands.ts';
import type { FollowDeps } from './follow.ts';
import { fixQuote, quotePayment } from './quote.ts';
import { withdrawPayment } from './send-queue.ts';

const sandboxAddress = {
  code: null,
  text: 'The destination is a deposit address of a sandbox, which receives no live money.',
};

/**
 * Books the live transfers to deposit addresses of this deployment. Nothing is signed for them, and no node is asked.
 *
 * @param notes receives why some of them wait
 */
export async function bookInternalTransfers(deps: FollowDeps, notes: string[]): Promise<void> {
  for await (const page of listOpenOnChain(deps.pool, deps.port.chain, 'funds_received')) {
    const receivers = await findReceivers(deps.pool, page);
    for (const transfer of page) {
      const receiver = receivers.get(transfer.id);
      if (!receiver) continue;
      try {
        const waitsFor = await book(deps, transfer, receiver);
        if (waitsFor) notes.push(waitsFor.text);
      } catch (error) {
        // One that cannot be booked must not hold up the payments of the chain.
        notes.push(`The transfer ${transfer.id} cannot be booked: ${(error as Error).message}.`);
      }
    }
  }
}

/** @returns why it waits */
async function book(
  deps: FollowDeps,
  transfer: LiveTransfer,
  { environmentId, kind, walletId }: AddressOwner,
): Promise<BlockingReason | undefined> {
  const { pool, port, rates, writer } = deps;
  if (kind === undefined) {
    const text = `The transfer ${transfer.id} waits: the row of its destination is not authentic.`;
    return { policy: 'ask_operator', text };
  }
  const nowMs = Date.now();
  const quote = quotePayment(transfer, rates, nowMs);
  if (quote.kind === 'blocked') return quote.blockedBy;
  if (quote.kind === 'nothing_arrives') {
    await writer.submit(failTransfer(transfer, 'funds_received', nothingArrives));
    return undefined;
  }
  const intent = await fixQuote(writer, transfer, quote);
  // A payment that was reserved before, when nobody had the address, is followed to its end.
  const isWithdrawn =
    intent && (await withdrawPayment(pool, port.chain, port.sender.treasury, transfer.id, intent));
  if (!isWithdrawn) return undefined;
  if (kind === 'test') {
    await writer.submit(failTransfer(transfer, 'funds_received', sandboxAddress));
    return undefined;
  }
  const isOneStatement =
    environmentId === transfer.environment_id && writer.isOneLane(bucketOfId(walletId), transfer.bucket);
  const sellRate = rates?.quote('usdt', 'usd', nowMs)?.sellRate;
  const receiver = { walletId, environmentId };
  await writer.submit(bookInternalTransfer(transfer, { receiver, isOneStatement, sellRate }));
  return undefined;
}
