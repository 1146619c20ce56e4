import type { DepositAddress } from '../../custody/signer.ts';
import { previousAttributes } from '../../events/changes.ts';
import { walletAccountId } from '../../ledger/accounts.ts';
import { notFound } from '../../platform/errors.ts';
import { bucketOfId } from '../../platform/ids.ts';
import type { WalletRow } from '../../store/tables/wallets.ts';
import type { Command, DecideContext, EventDraft, RowRef, RowWrite, State } from '../../writer/command.ts';
import { findCustomerIn } from '../customers/commands.ts';
import { refuseCustomer } from '../customers/state.ts';
import { walletJson } from './schema.ts';
import { heldCurrencies, refuseStatus } from './state.ts';

/** The wallet by this id, if it is one of the environment's. */
export function findWalletIn(state: State, context: DecideContext, id: string): WalletRow | undefined {
  const wallet = state.get('wallets', id);
  return wallet?.environment_id === context.environmentId ? wallet : undefined;
}

/** The derivation index of a new wallet, and its addresses. */
export interface Derived {
  readonly index: number;
  readonly addresses: readonly DepositAddress[];
}

/** Creates a wallet with its deposit addresses on every chain. */
export function createWallet(environmentId: string, customerId: string, derived: Derived): Command<string> {
  const bucket = bucketOfId(customerId);
  return {
    name: 'create_wallet',
    environmentId,
    bucket,
    reads: () => [{ table: 'customers', bucket, id: customerId }],
    decide(state, context) {
      const refusal = refuseCustomer(findCustomerIn(state, context, customerId), 'wallets');
      if (refusal) return { refusal };
      const { data, event, writes } = newWallet(customerId, derived, context);
      return { result: data, writes, events: [event] };
    },
  };
}

/** A new wallet with the rows and the event that are written with it. */
export function newWallet(customerId: string, derived: Derived, context: DecideContext) {
  const { bucket, now } = context;
  const row: WalletRow = {
    bucket,
    id: context.newId('wal'),
    environment_id: context.environmentId,
    customer_id: customerId,
    status: 'active',
    derivation_index: BigInt(derived.index),
    created_at: now,
    updated_at: now,
  };
  const addresses = derived.addresses.map(
    ({ address, chain }): RowWrite => ({
      table: 'deposit_addresses',
      row: { bucket, wallet_id: row.id, chain, address },
    }),
  );
  const data = walletJson(row);
  const event: EventDraft = { type: 'wallet.created', objectId: row.id, customerId, data };
  const writes: RowWrite[] = [{ table: 'wallets', row }, ...addresses];
  return { row, data, event, writes };
}

const walletAccountKinds = ['wallet_available', 'wallet_pending', 'wallet_in_transit'] as const;

/** The ids of every account that a wallet can have. */
export function walletAccountIds(walletId: string): string[] {
  return heldCurrencies.flatMap((currency) =>
    walletAccountKinds.map((kind) => walletAccountId(kind, walletId, currency)),
  );
}

/** Freezes, thaws or closes a wallet. */
export function updateWallet(
  environmentId: string,
  walletId: string,
  status: WalletRow['status'],
): Command<string> {
  const bucket = bucketOfId(walletId);
  const accountIds = walletAccountIds(walletId);
  return {
    name: 'update_wallet',
    environmentId,
    bucket,
    reads: () => [
      { table: 'wallets', bucket, id: walletId },
      ...accountIds.map((id): RowRef => ({ table: 'accounts', bucket, id })),
    ],
    decide(state, context) {
      const wallet = findWalletIn(state, context, walletId);
      if (!wallet) return { refusal: notFound('wallet') };
      const isEmpty = accountIds.every((id) => (state.get('accounts', id)?.balance_minor ?? 0n) === 0n);
      const refusal = refuseStatus(wallet, status, isEmpty);
      if (refusal) return { refusal };
      if (wallet.status === status) return { result: walletJson(wallet) };
      const { data, event, write } = walletInStatus(wallet, status, context.now);
      return { result: data, writes: [write], events: [event] };
    },
  };
}

/** A wallet in another status, with the row and the event that are written. */
export function walletInStatus(wallet: WalletRow, status: WalletRow['status'], now: string) {
  const row: WalletRow = { ...wallet, status, updated_at: now };
  const data = walletJson(row);
  const event: EventDraft = {
    type: 'wallet.updated',
    objectId: row.id,
    customerId: row.customer_id,
    data,
    previousAttributes: previousAttributes(walletJson(wallet), data),
  };
  const write: RowWrite = { table: 'wallets', row };
  return { data, event, write };
}
