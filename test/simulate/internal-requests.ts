import {
  closeInternalTransfer,
  creditInternalTransfer,
  type InternalBooking,
} from '../../server/src/onchain/internal/commands.ts';
import { bucketOfId } from '../../server/src/platform/ids.ts';
import type { InternalTransferRow, TransactionRow } from '../../server/src/store/tables/transactions.ts';
import type { DepositAddressRow } from '../../server/src/store/tables/wallets.ts';
import type { Command } from '../../server/src/writer/command.ts';
import type { MemoryStore } from './memory-store.ts';
import type { Random } from './random.ts';

/** The address that a transfer is sent to, of some wallet; undefined while there is none. */
export function drawAddress(store: MemoryStore, random: Random): string | undefined {
  const addresses = store.rows('deposit_addresses') as unknown as DepositAddressRow[];
  return addresses.length === 0 ? undefined : random.pick(addresses).address;
}

/** How a transfer to a deposit address is booked; undefined for any other. */
export function bookingOf(
  store: MemoryStore,
  random: Random,
  { bucket, destination_address: to, environment_id: environmentId }: TransactionRow,
): InternalBooking | undefined {
  const addresses = store.rows('deposit_addresses') as unknown as DepositAddressRow[];
  const walletId = addresses.find(({ address }) => address === to)?.wallet_id;
  if (walletId === undefined) return undefined;
  const lanes = store.heads.length;
  const isOneStatement = bucketOfId(walletId) % lanes === bucket % lanes;
  return { receiver: { walletId, environmentId }, isOneStatement, sellRate: rateNow(random) };
}

/** A step of the worker that credits receivers; undefined if no transfer is open. */
export function drawCredit(store: MemoryStore, random: Random): Command<boolean> | undefined {
  const rows = store.rows('internal_transfers') as unknown as InternalTransferRow[];
  const open = rows.filter(({ status }) => status === 'open');
  if (open.length === 0) return undefined;
  const transfer = random.pick(open);
  // The worker closes a transfer only after its deposit was committed.
  const isCredited = store.find('transactions', bucketOfId(transfer.deposit_id), transfer.deposit_id);
  return isCredited && random.chance(50)
    ? closeInternalTransfer(transfer)
    : creditInternalTransfer(transfer, rateNow(random));
}

function rateNow(random: Random): string | undefined {
  return random.chance(80) ? '0.999' : undefined;
}
