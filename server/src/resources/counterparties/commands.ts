import { previousAttributes } from '../../events/changes.ts';
import { notFound } from '../../platform/errors.ts';
import { bucketOfId } from '../../platform/ids.ts';
import type { ExternalAccount } from '../../rails/account-types.ts';
import type { CounterpartyRow, CustomerRow } from '../../store/tables/customers.ts';
import type { Command, DecideContext } from '../../writer/command.ts';
import { findCustomerIn } from '../customers/commands.ts';
import {
  type AccountData,
  accountContext,
  type CreateCounterpartyBody,
  counterpartyJson,
  validationJson,
} from './schema.ts';
import { refuseOwner } from './state.ts';

/**
 * Creates a counterparty of a customer.
 *
 * @param account as `parseAccount` returns it
 */
export function createCounterparty(
  environmentId: string,
  body: CreateCounterpartyBody,
  account: ExternalAccount,
): Command<string> {
  const { customerId } = body;
  const bucket = bucketOfId(customerId);
  return {
    name: 'create_counterparty',
    environmentId,
    bucket,
    reads: () => [{ table: 'customers', bucket, id: customerId }],
    decide(state, context) {
      const customer = findCustomerIn(state, context, customerId);
      const refusal = refuseOwner(customer, account.type);
      if (refusal || !customer) return { refusal: refusal ?? notFound('customer') };
      const row = newCounterparty(body, account, customer, context);
      const data = counterpartyJson(row, context.vault);
      return {
        result: data,
        writes: [{ table: 'counterparties', row }],
        events: [{ type: 'counterparty.created', objectId: row.id, customerId, data, sensitive: true }],
      };
    },
  };
}

/** Checks the body as creating a counterparty does, and creates nothing. */
export function validateCounterparty(
  environmentId: string,
  body: CreateCounterpartyBody,
  account: ExternalAccount,
): Command<string> {
  const { customerId } = body;
  const bucket = bucketOfId(customerId);
  return {
    name: 'validate_counterparty',
    environmentId,
    bucket,
    reads: () => [{ table: 'customers', bucket, id: customerId }],
    decide(state, context) {
      const refusal = refuseOwner(findCustomerIn(state, context, customerId), account.type);
      return refusal ? { refusal } : { result: validationJson(body, account) };
    },
  };
}

function newCounterparty(
  body: CreateCounterpartyBody,
  account: ExternalAccount,
  customer: CustomerRow,
  context: DecideContext,
): CounterpartyRow {
  const id = context.newId('pa');
  // `JSON.stringify` omits fields that are undefined.
  const data = {
    accountOwnerName: body.accountOwnerName,
    accountOwnerType: body.accountOwnerType,
    bankName: body.bankName,
    accountName: body.accountName,
    firstName: body.firstName,
    lastName: body.lastName,
    businessName: body.businessName,
    address: body.address,
    account,
  } satisfies { [Name in keyof AccountData]: AccountData[Name] | undefined };
  return {
    bucket: context.bucket,
    id,
    environment_id: context.environmentId,
    customer_id: body.customerId,
    account_type: account.type,
    currency: body.currency,
    status: 'active',
    account: context.vault.forCustomer(customer).seal(JSON.stringify(data), accountContext(id)),
    created_at: context.now,
    updated_at: context.now,
  };
}

/** Deactivates a counterparty. Repeating it changes nothing. */
export function deactivateCounterparty(environmentId: string, counterpartyId: string): Command<string> {
  const bucket = bucketOfId(counterpartyId);
  return {
    name: 'deactivate_counterparty',
    environmentId,
    bucket,
    reads: () => [{ table: 'counterparties', bucket, id: counterpartyId }],
    decide(state, { now, vault }) {
      const found = state.get('counterparties', counterpartyId);
      if (found?.environment_id !== environmentId) return { refusal: notFound('counterparty') };
      if (found.status === 'inactive') return { result: counterpartyJson(found, vault) };
      const row: CounterpartyRow = { ...found, status: 'inactive', updated_at: now };
      const { customer_id: customerId, id: objectId } = row;
      const data = counterpartyJson(row, vault);
      const before = previousAttributes(counterpartyJson(found, vault), data);
      return {
        result: data,
        writes: [{ table: 'counterparties', row }],
        events: [
          {
            type: 'counterparty.updated',
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
