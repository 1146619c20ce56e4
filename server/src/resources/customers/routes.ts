import { type ReadRoute, type Route, writeRoute } from '../../http/route.ts';
import type { LinkContext } from '../../identity/links.ts';
import type { Clock } from '../../platform/clock.ts';
import { ApiError, notFound } from '../../platform/errors.ts';
import type { Vault } from '../../platform/seal.ts';
import type { Db } from '../../store/database.ts';
import type { Pool } from '../../store/pool.ts';
import { createdSpan, pageOf } from '../paging.ts';
import { createCustomer, revokeLinks } from './commands.ts';
import { eraseCustomer, readErasureFacts } from './erase-commands.ts';
import { findCustomer, listCustomers } from './queries.ts';
import {
  CreateCustomerBody,
  Customer,
  CustomerQuery,
  customerJson,
  emailIndexesOf,
  UpdateCustomerBody,
} from './schema.ts';
import { updateCustomer } from './update-commands.ts';

interface Deps {
  readonly db: Db;
  readonly vault: Vault;
  /** What the customer's links are made with, by the clock of the environment. */
  linksIn(environmentId: string): LinkContext;
  readonly randomBucket: () => number;
  readonly pool: Pool;
  /** The real time. */
  readonly clock: Clock;
  readonly retentionYears: number;
}

const tag = 'Customers';
const data = { name: 'Customer', schema: Customer };
const params = { customerId: 'The customer ID' };

export function customerRoutes(deps: Deps): Route[] {
  return [
    createRoute(deps),
    listRoute(deps),
    getRoute(deps),
    updateRoute(),
    revokeLinksRoute(),
    eraseRoute(deps),
  ];
}

function createRoute({ randomBucket }: Deps): Route {
  return writeRoute<CreateCustomerBody>({
    method: 'POST',
    path: '/v1/customers',
    operationId: 'createCustomer',
    tag,
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
      createCustomer(caller.environment.id, body, idempotencyKey, randomBucket()),
  });
}

function listRoute({ db, linksIn, vault }: Deps): ReadRoute {
  return {
    method: 'GET',
    path: '/v1/customers',
    operationId: 'listCustomers',
    tag,
    summary: 'List customers',
    description: 'Returns your customers, newest first.',
    access: 'key',
    list: true,
    query: CustomerQuery,
    okDescription: 'A page of customers',
    data,
    read: ({ caller, query }) => {
      const { email, ...rest } = query;
      const filter = {
        ...rest,
        emailIndexes: email === undefined ? undefined : emailIndexesOf(email, vault),
        ...createdSpan(query),
      };
      const links = linksIn(caller.environment.id);
      return listCustomers(db, caller.environment.id, filter, pageOf(query), (row) =>
        customerJson(row, links),
      );
    },
  };
}

function getRoute({ db, linksIn }: Deps): ReadRoute {
  return {
    method: 'GET',
    path: '/v1/customers/{customerId}',
    operationId: 'getCustomer',
    tag,
    summary: 'Get a customer',
    description: 'Returns one customer.',
    access: 'key',
    params,
    okDescription: 'The customer',
    data,
    errors: ['NOT_FOUND'],
    async read({ caller, params: { customerId = '' } }) {
      const row = await findCustomer(db, caller.environment.id, customerId);
      if (!row) throw new ApiError(notFound('customer'));
      return customerJson(row, linksIn(row.environment_id));
    },
  };
}

function updateRoute(): Route {
  return writeRoute<UpdateCustomerBody>({
    method: 'PATCH',
    path: '/v1/customers/{customerId}',
    operationId: 'updateCustomer',
    tag,
    summary: 'Change, suspend or reactivate a customer',
    description:
      'Changes the fields that are given. Once the identity is approved, the names stay as they were verified. A ' +
      'rejected customer stays rejected.',
    access: 'key',
    params,
    body: UpdateCustomerBody,
    okDescription: 'The customer',
    data,
    errors: ['NOT_FOUND', 'CONFLICT'],
    sensitive: true,
    write: ({ body, caller, params: { customerId = '' } }) =>
      updateCustomer(caller.environment.id, customerId, body),
  });
}

function revokeLinksRoute(): Route {
  return writeRoute({
    method: 'POST',
    path: '/v1/customers/{customerId}/links/revoke',
    operationId: 'revokeCustomerLinks',
    tag,
    summary: "Revoke a customer's links",
    description:
      'Ends every `kycLink` and `tosLink` of the customer that is out, on all servers, immediately: whoever opens one ' +
      'reads whom to ask for a new one. What has been filled in is kept. The answer has new links.',
    access: 'key',
    params,
    okDescription: 'The customer, with new links',
    data,
    errors: ['NOT_FOUND', 'CONFLICT'],
    sensitive: true,
    write: ({ caller, params: { customerId = '' } }) => revokeLinks(caller.environment.id, customerId),
  });
}

function eraseRoute({ clock, pool, retentionYears }: Deps): Route {
  return writeRoute<unknown>({
    method: 'POST',
    path: '/v1/customers/{customerId}/erase',
    operationId: 'eraseCustomer',
    tag,
    summary: 'Erase a customer',
    description:
      'Destroys the key that everything personal of the customer is encrypted with: their data, documents, accounts and ' +
      'events cannot be read again, by anybody. The books stay, under the ids that they have. Refused while the customer ' +
      'has money or transactions that have not ended, and in live while the data has to be kept. Erasing a customer ' +
      'again changes nothing.',
    access: 'key',
    params,
    okDescription: 'The customer, of whom nothing is left to be shown',
    data,
    errors: ['NOT_FOUND', 'CONFLICT'],
    async write({ caller, params: { customerId = '' } }) {
      const { id, kind } = caller.environment;
      return eraseCustomer(id, customerId, await readErasureFacts(pool, id, customerId, clock.now()), {
        by: caller.keyId,
        reason: null,
        isForced: false,
        retentionYears: kind === 'live' ? retentionYears : 0,
      });
    },
  });
}
