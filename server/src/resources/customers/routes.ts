import { type ReadRoute, type Route, writeRoute } from '../../http/route.ts';
import { ApiError, notFound } from '../../platform/errors.ts';
import type { Vault } from '../../platform/seal.ts';
import type { Db } from '../../store/database.ts';
import { pageOf } from '../paging.ts';
import { createCustomer } from './commands.ts';
import { findCustomer, listCustomers } from './queries.ts';
import { CreateCustomerBody, Customer, customerJson } from './schema.ts';

export function customerRoutes(deps: { db: Db; vault: Vault; randomBucket: () => number }): Route[] {
  const data = { name: 'Customer', schema: Customer };
  const get: ReadRoute = {
    method: 'GET',
    path: '/v1/customers/{customerId}',
    operationId: 'getCustomer',
    tag: 'Customers',
    summary: 'Get a customer',
    description: 'Returns one customer.',
    access: 'key',
    params: { customerId: 'The customer ID' },
    okDescription: 'The customer',
    data,
    errors: ['NOT_FOUND'],
    async read({ caller, params }) {
      const row = await findCustomer(deps.db, caller.environment.id, params.customerId ?? '');
      if (!row) throw new ApiError(notFound('customer'));
      return customerJson(row, deps.vault);
    },
  };
  const list: ReadRoute = {
    method: 'GET',
    path: '/v1/customers',
    operationId: 'listCustomers',
    tag: 'Customers',
    summary: 'List customers',
    description: 'Returns your customers, newest first.',
    access: 'key',
    list: true,
    okDescription: 'A page of customers',
    data,
    read: ({ caller, query }) =>
      listCustomers(deps.db, caller.environment.id, pageOf(query), (row) => customerJson(row, deps.vault)),
  };
  const create = writeRoute<CreateCustomerBody>({
    method: 'POST',
    path: '/v1/customers',
    operationId: 'createCustomer',
    tag: 'Customers',
    summary: 'Create a customer',
    description:
      'Creates a customer. They can hold wallets and move money once their identity is approved and they have ' +
      'accepted the terms.',
    access: 'key',
    body: CreateCustomerBody,
    okDescription: 'Customer created',
    data,
    sensitive: true,
    write: ({ body, caller, idempotencyKey }) =>
      createCustomer(caller.environment.id, body, idempotencyKey, deps.randomBucket()),
  });
  return [create, list, get];
}
