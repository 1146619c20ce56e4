import Type from 'typebox';
import { type ReadRoute, type Route, writeRoute } from '../../http/route.ts';
import { oneOf } from '../../http/schema.ts';
import { ApiError, assert, notFound } from '../../platform/errors.ts';
import type { Vault } from '../../platform/seal.ts';
import { accountCurrencies, type ExternalAccount } from '../../rails/account-types.ts';
import type { Db } from '../../store/database.ts';
import { pageOf } from '../paging.ts';
import { createCounterparty, deactivateCounterparty, validateCounterparty } from './commands.ts';
import { findCounterparty, listCounterparties } from './queries.ts';
import { parseAccount } from './request.ts';
import { Counterparty, CounterpartyValidation, CreateCounterpartyBody, counterpartyJson } from './schema.ts';

interface Deps {
  readonly db: Db;
  readonly vault: Vault;
}

const tag = 'Counterparties';
const data = { name: 'Counterparty', schema: Counterparty };
const params = { counterpartyId: 'The counterparty ID' };
const faults = (body: unknown) => parseAccount(body).faults;

export function counterpartyRoutes(deps: Deps): Route[] {
  return [createRoute(), listRoute(deps), getRoute(deps), deactivateRoute(), validateRoute()];
}

function createRoute(): Route {
  return writeRoute<CreateCounterpartyBody>({
    method: 'POST',
    path: '/v1/counterparties',
    operationId: 'createCounterparty',
    tag,
    summary: 'Create a counterparty',
    description:
      'Keeps an external account that the customer can be paid out to. `accountType` decides which fields name it; ' +
      'spaces and dashes in them do not matter. Its numbers are stored encrypted and never come back. The types ' +
      '`mobile_money`, `ghipss`, `nip` and `swift` need no verification of the customer.',
    access: 'key',
    body: CreateCounterpartyBody,
    faults,
    okDescription: 'Counterparty created',
    data,
    sensitive: true,
    write: ({ body, caller }) => createCounterparty(caller.environment.id, body, accountOf(body)),
  });
}

function validateRoute(): Route {
  return writeRoute<CreateCounterpartyBody>({
    method: 'POST',
    path: '/v1/counterparties/validate',
    operationId: 'validateCounterparty',
    tag,
    summary: 'Validate a counterparty',
    description:
      'Takes the body that creates a counterparty and answers with the same refusals, but creates nothing.',
    access: 'key',
    body: CreateCounterpartyBody,
    faults,
    okDescription: 'The counterparty could be created',
    data: { name: 'CounterpartyValidation', schema: CounterpartyValidation },
    sensitive: true,
    write: ({ body, caller }) => validateCounterparty(caller.environment.id, body, accountOf(body)),
  });
}

function listRoute({ db, vault }: Deps): ReadRoute {
  return {
    method: 'GET',
    path: '/v1/counterparties',
    operationId: 'listCounterparties',
    tag,
    summary: 'List counterparties',
    description: 'Returns your counterparties, newest first.',
    access: 'key',
    list: true,
    query: Type.Object({
      customerId: Type.Optional(Type.String({ description: 'Only the counterparties of this customer' })),
      currency: Type.Optional(oneOf(accountCurrencies, 'Only counterparties in this currency')),
    }),
    okDescription: 'A page of counterparties',
    data,
    read: ({ caller, query }) => {
      const { currency, customerId } = query;
      const filter = { customerId, currency };
      return listCounterparties(db, caller.environment.id, filter, pageOf(query), vault, (row) =>
        counterpartyJson(row, vault),
      );
    },
  };
}

function getRoute({ db, vault }: Deps): ReadRoute {
  return {
    method: 'GET',
    path: '/v1/counterparties/{counterpartyId}',
    operationId: 'getCounterparty',
    tag,
    summary: 'Get a counterparty',
    description: 'Returns one counterparty.',
    access: 'key',
    params,
    okDescription: 'The counterparty',
    data,
    errors: ['NOT_FOUND'],
    async read({ caller, params: { counterpartyId = '' } }) {
      const row = await findCounterparty(db, caller.environment.id, counterpartyId);
      if (!row) throw new ApiError(notFound('counterparty'));
      await vault.prepare([row.account]);
      return counterpartyJson(row, vault);
    },
  };
}

function deactivateRoute(): Route {
  return writeRoute<unknown>({
    method: 'POST',
    path: '/v1/counterparties/{counterpartyId}/deactivate',
    operationId: 'deactivateCounterparty',
    tag,
    summary: 'Deactivate a counterparty',
    description: 'Nothing is paid to an inactive counterparty. Deactivating it again changes nothing.',
    access: 'key',
    params,
    okDescription: 'The counterparty',
    data,
    errors: ['NOT_FOUND'],
    sensitive: true,
    write: ({ caller, params: { counterpartyId = '' } }) =>
      deactivateCounterparty(caller.environment.id, counterpartyId),
  });
}

/** The account of a body that has been checked: it has no faults. */
function accountOf(body: CreateCounterpartyBody): ExternalAccount {
  const { account } = parseAccount(body);
  assert(account, 'a checked body names an account');
  return account;
}
