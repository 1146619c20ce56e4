import { previousAttributes } from '../../events/changes.ts';
import { conflict, invalidRequest, notFound, type Refusal } from '../../platform/errors.ts';
import { bucketOfId } from '../../platform/ids.ts';
import { sandboxDepositAccount } from '../../simulator/bank/deposit-accounts.ts';
import type { CustomerRow } from '../../store/tables/customers.ts';
import type { VirtualAccountRow } from '../../store/tables/wallets.ts';
import type { Command, DecideContext, RowRef, State } from '../../writer/command.ts';
import { type Derived, findWalletIn, newWallet } from '../crypto-wallets/commands.ts';
import { findCustomerIn } from '../customers/commands.ts';
import { openPersonal } from '../customers/schema.ts';
import { refuseCustomer } from '../customers/state.ts';
import { type CreateVirtualAccountBody, instructionsContext, virtualAccountJson } from './schema.ts';

/** The wallet that a new virtual account credits: an existing one, or a new one. */
export type Destination = { readonly walletId: string } | { readonly derived: Derived };

/** Creates a virtual account at the sandbox bank, and its wallet unless one is given. */
export function createVirtualAccount(
  environmentId: string,
  { customerId, sourceCurrency }: CreateVirtualAccountBody,
  destination: Destination,
): Command<string> {
  const bucket = bucketOfId(customerId);
  // A customer's wallets have the customer's bucket; rows of other buckets cannot be read here.
  const isInBucket = 'walletId' in destination && bucketOfId(destination.walletId) === bucket;
  const wallets: RowRef[] = isInBucket ? [{ table: 'wallets', bucket, id: destination.walletId }] : [];
  return {
    name: 'create_virtual_account',
    environmentId,
    bucket,
    reads: () => [{ table: 'customers', bucket, id: customerId }, ...wallets],
    decide(state, context) {
      const customer = findCustomerIn(state, context, customerId);
      const refusal = refuseCustomer(customer, 'virtualAccounts');
      if (refusal || !customer) return { refusal: refusal ?? notFound('customer') };
      const given = 'walletId' in destination ? destination.walletId : undefined;
      const unfit =
        given === undefined ? undefined : refuseWallet(state, context, customerId, given, isInBucket);
      if (unfit) return { refusal: unfit };
      const made = 'derived' in destination ? newWallet(customerId, destination.derived, context) : undefined;
      const row = newVirtualAccount(customer, sourceCurrency, given ?? made?.row.id ?? '', context);
      const data = virtualAccountJson(row, context.vault);
      return {
        result: data,
        writes: [...(made?.writes ?? []), { table: 'virtual_accounts', row }],
        events: [
          ...(made ? [made.event] : []),
          { type: 'virtual_account.created', objectId: row.id, customerId, data, sensitive: true },
        ],
      };
    },
  };
}

function refuseWallet(
  state: State,
  context: DecideContext,
  customerId: string,
  walletId: string,
  isInBucket: boolean,
): Refusal | undefined {
  const wallet = isInBucket ? findWalletIn(state, context, walletId) : undefined;
  if (wallet?.customer_id !== customerId) {
    const message = '`walletId` must be a wallet of the customer.';
    return invalidRequest('wallet_not_found', message, [{ path: '/walletId', message }]);
  }
  if (wallet.status !== 'closed') return undefined;
  return conflict('wallet_closed', 'The wallet is closed; it must be active or frozen to receive deposits.');
}

function newVirtualAccount(
  customer: CustomerRow,
  currency: VirtualAccountRow['source_currency'],
  walletId: string,
  { bucket, environmentId, newId, now, vault }: DecideContext,
): VirtualAccountRow {
  const id = newId('va');
  const { accountKey, depositInstructions } = sandboxDepositAccount(currency, id, holderOf(customer, vault));
  return {
    bucket,
    id,
    environment_id: environmentId,
    customer_id: customer.id,
    wallet_id: walletId,
    source_currency: currency,
    status: 'active',
    deposit_instructions: vault
      .forCustomer(customer)
      .seal(JSON.stringify(depositInstructions), instructionsContext(id)),
    account_key: vault.fingerprint(accountKey, 'virtual_accounts.account_key'),
    created_at: now,
    updated_at: now,
  };
}

function holderOf(customer: CustomerRow, vault: DecideContext['vault']): string {
  const { businessName, firstName, lastName } = openPersonal(customer, vault);
  return customer.type === 'business' && businessName !== undefined
    ? businessName
    : `${firstName} ${lastName}`;
}

/** Deactivates or reactivates a virtual account. Repeating it changes nothing. */
export function setVirtualAccountStatus(
  environmentId: string,
  virtualAccountId: string,
  status: VirtualAccountRow['status'],
): Command<string> {
  const bucket = bucketOfId(virtualAccountId);
  return {
    name: 'set_virtual_account_status',
    environmentId,
    bucket,
    reads: () => [{ table: 'virtual_accounts', bucket, id: virtualAccountId }],
    decide(state, { now, vault }) {
      const found = state.get('virtual_accounts', virtualAccountId);
      if (found?.environment_id !== environmentId) return { refusal: notFound('virtual account') };
      if (found.status === status) return { result: virtualAccountJson(found, vault) };
      const row: VirtualAccountRow = { ...found, status, updated_at: now };
      const { customer_id: customerId, id: objectId } = row;
      const data = virtualAccountJson(row, vault);
      const before = previousAttributes(virtualAccountJson(found, vault), data);
      return {
        result: data,
        writes: [{ table: 'virtual_accounts', row }],
        events: [
          {
            type: 'virtual_account.updated',
            objectId,
            customerId,
            data,
            previousAttributes: before,
            sensitive: true,
          },
        ],
      };
    },
  };
}
