import Type from 'typebox';
import type { IndexSource } from '../../custody/indexes.ts';
import type { Signer } from '../../custody/signer.ts';
import { type ReadRoute, type Route, writeRoute } from '../../http/route.ts';
import { oneOf } from '../../http/schema.ts';
import { ApiError, invalidRequest } from '../../platform/errors.ts';
import type { Vault } from '../../platform/seal.ts';
import { conversionRate } from '../../rates/conversion.ts';
import type { RateProvider } from '../../rates/provider.ts';
import type { Db } from '../../store/database.ts';
import type { EnvironmentClocks } from '../../store/environment-clocks.ts';
import { findCustomer } from '../customers/queries.ts';
import { refuseCustomer } from '../customers/state.ts';
import { pageOf } from '../paging.ts';
import { createVirtualAccount, setVirtualAccountStatus } from './commands.ts';
import { listHistory, listVirtualAccounts, readValue, requireVirtualAccount } from './queries.ts';
import {
  CreateVirtualAccountBody,
  historyEntryJson,
  sourceCurrencies,
  VirtualAccount,
  VirtualAccountBalance,
  VirtualAccountHistoryEntry,
  virtualAccountJson,
} from './schema.ts';

interface Deps {
  readonly db: Db;
  readonly vault: Vault;
  readonly signer: Signer;
  readonly indexes: IndexSource;
  readonly rates: RateProvider;
  readonly clocks: EnvironmentClocks;
}

const tag = 'Virtual Accounts';
const data = { name: 'VirtualAccount', schema: VirtualAccount };
const params = { virtualAccountId: 'The virtual account ID' };

export function virtualAccountRoutes(deps: Deps): Route[] {
  return [
    createRoute(deps),
    listRoute(deps),
    getRoute(deps),
    balanceRoute(deps),
    historyRoute(deps),
    statusRoute('deactivate', 'deactivated', 'What is paid in from now on goes back to its sender.'),
    statusRoute('reactivate', 'active', 'What is paid in is credited again.'),
  ];
}

function createRoute({ db, indexes, signer }: Deps): Route {
  return writeRoute<CreateVirtualAccountBody>({
    method: 'POST',
    path: '/v1/virtual-accounts',
    operationId: 'createVirtualAccount',
    tag,
    summary: 'Create a virtual account',
    description:
      'Opens a fiat account for a customer. What is paid in is converted into USDC at the rate of the moment, less the ' +
      'fee, and credited to the wallet.',
    access: 'key',
    body: CreateVirtualAccountBody,
    okDescription: 'Virtual account created',
    data,
    sensitive: true,
    async write({ body, caller }) {
      const { id, kind } = caller.environment;
      if (kind === 'live') throw new ApiError(noLiveBank());
      if (body.walletId !== undefined) return createVirtualAccount(id, body, { walletId: body.walletId });
      // Checked first, because deriving addresses is expensive.
      const refusal = refuseCustomer(await findCustomer(db, id, body.customerId), 'virtualAccounts');
      if (refusal) throw new ApiError(refusal);
      const index = await indexes.take();
      const addresses = await signer.depositAddresses(index);
      return createVirtualAccount(id, body, { derived: { index, addresses } });
    },
  });
}

function noLiveBank() {
  const message = 'This server has no bank for live virtual accounts; use a test key.';
  return invalidRequest('rail_not_configured', message, [{ path: '/sourceCurrency', message }]);
}

function listRoute({ db, vault }: Deps): ReadRoute {
  return {
    method: 'GET',
    path: '/v1/virtual-accounts',
    operationId: 'listVirtualAccounts',
    tag,
    summary: 'List virtual accounts',
    description: 'Returns your virtual accounts, newest first.',
    access: 'key',
    list: true,
    query: Type.Object({
      customerId: Type.Optional(Type.String({ description: 'Only those of this customer' })),
      sourceCurrency: Type.Optional(oneOf(sourceCurrencies, 'Only those in this currency')),
    }),
    okDescription: 'A page of virtual accounts',
    data,
    read: ({ caller, query }) => {
      const { customerId, sourceCurrency } = query;
      const filter = { customerId, sourceCurrency };
      return listVirtualAccounts(db, caller.environment.id, filter, pageOf(query), vault, (row) =>
        virtualAccountJson(row, vault),
      );
    },
  };
}

function getRoute({ db, vault }: Deps): ReadRoute {
  return {
    method: 'GET',
    path: '/v1/virtual-accounts/{virtualAccountId}',
    operationId: 'getVirtualAccount',
    tag,
    summary: 'Get a virtual account',
    description: 'Returns one virtual account.',
    access: 'key',
    params,
    okDescription: 'The virtual account',
    data,
    errors: ['NOT_FOUND'],
    async read({ caller, params: { virtualAccountId = '' } }) {
      const row = await requireVirtualAccount(db, caller.environment.id, virtualAccountId);
      await vault.prepare([row.deposit_instructions]);
      return virtualAccountJson(row, vault);
    },
  };
}

function balanceRoute({ clocks, db, rates }: Deps): ReadRoute {
  return {
    method: 'GET',
    path: '/v1/virtual-accounts/{virtualAccountId}/balance',
    operationId: 'getVirtualAccountBalance',
    tag,
    summary: "Get a virtual account's balance",
    description: "Returns what the linked wallet's available money is worth now in the source currency.",
    access: 'key',
    params,
    okDescription: 'The balance',
    data: { name: 'VirtualAccountBalance', schema: VirtualAccountBalance },
    errors: ['NOT_FOUND'],
    async read({ caller, params: { virtualAccountId = '' } }) {
      const { id } = caller.environment;
      const row = await requireVirtualAccount(db, id, virtualAccountId);
      const nowMs = clocks.nowIn(id);
      const value = await readValue(db, row, (from) =>
        conversionRate(rates, from, row.source_currency, nowMs),
      );
      if (value === undefined) {
        const message = `There is no current rate to ${row.source_currency}; try again later.`;
        throw new ApiError(invalidRequest('rate_unavailable', message));
      }
      return value;
    },
  };
}

function historyRoute({ db, vault }: Deps): ReadRoute {
  return {
    method: 'GET',
    path: '/v1/virtual-accounts/{virtualAccountId}/history',
    operationId: 'listVirtualAccountHistory',
    tag,
    summary: "List a virtual account's deposits",
    description: 'Returns what was paid in, newest first, also what went back to its sender.',
    access: 'key',
    list: true,
    params,
    okDescription: 'A page of deposits',
    data: { name: 'VirtualAccountHistoryEntry', schema: VirtualAccountHistoryEntry },
    errors: ['NOT_FOUND'],
    async read({ caller, params: { virtualAccountId = '' }, query }) {
      const row = await requireVirtualAccount(db, caller.environment.id, virtualAccountId);
      return listHistory(db, row, pageOf(query), vault, (entry) => historyEntryJson(entry, vault));
    },
  };
}

function statusRoute(
  verb: 'deactivate' | 'reactivate',
  status: 'deactivated' | 'active',
  description: string,
): Route {
  return writeRoute<unknown>({
    method: 'POST',
    path: `/v1/virtual-accounts/{virtualAccountId}/${verb}`,
    operationId: `${verb}VirtualAccount`,
    tag,
    summary: `${verb === 'deactivate' ? 'Deactivate' : 'Reactivate'} a virtual account`,
    description: `${description} Doing so again changes nothing.`,
    access: 'key',
    params,
    okDescription: 'The virtual account',
    data,
    errors: ['NOT_FOUND'],
    sensitive: true,
    write: ({ caller, params: { virtualAccountId = '' } }) =>
      setVirtualAccountStatus(caller.environment.id, virtualAccountId, status),
  });
}
