import Type from 'typebox';
import { type Chain, chains, type Stablecoin } from '../../chains/registry.ts';
import type { IndexSource } from '../../custody/indexes.ts';
import type { Signer } from '../../custody/signer.ts';
import { type ReadRoute, type RequestContext, type Route, writeRoute } from '../../http/route.ts';
import { oneOf } from '../../http/schema.ts';
import { ApiError, notFound } from '../../platform/errors.ts';
import type { Db } from '../../store/database.ts';
import type { WalletRow } from '../../store/tables/wallets.ts';
import type { Command } from '../../writer/command.ts';
import { findCustomer } from '../customers/queries.ts';
import { refuseCustomer } from '../customers/state.ts';
import { pageOf } from '../paging.ts';
import { createWallet, updateWallet } from './commands.ts';
import { findWallet, listDepositAddresses, listWallets, readBalance } from './queries.ts';
import {
  CreateWalletBody,
  DepositAddresses,
  depositAddressesJson,
  UpdateWalletBody,
  Wallet,
  WalletBalance,
  walletJson,
  walletStatuses,
} from './schema.ts';

interface Deps {
  readonly db: Db;
  /** The tokens whose deposits are credited on a chain: those that exist, for live keys those that this server follows. */
  creditedOn(chain: Chain): readonly Stablecoin[];
  readonly signer: Signer;
  readonly indexes: IndexSource;
}

const tag = 'Crypto Wallets';
const wallet = { name: 'Wallet', schema: Wallet };
const params = { walletId: 'The wallet ID' };

export function walletRoutes(deps: Deps): Route[] {
  return [
    createRoute(deps),
    listRoute(deps),
    getRoute(deps),
    updateRoute(),
    balanceRoute(deps),
    addressesRoute(deps),
  ];
}

function createRoute({ db, indexes, signer }: Deps): Route {
  return writeRoute<CreateWalletBody>({
    method: 'POST',
    path: '/v1/crypto-wallets',
    operationId: 'createWallet',
    tag,
    summary: 'Create a wallet',
    description: 'Creates a new custodial crypto wallet for a customer.',
    access: 'key',
    body: CreateWalletBody,
    isOriginal: true,
    okDescription: 'Wallet created',
    data: wallet,
    async write({ body, caller }) {
      const { id } = caller.environment;
      // Checked first, because deriving addresses is expensive.
      const refusal = refuseCustomer(await findCustomer(db, id, body.customerId), 'wallets');
      if (refusal) throw new ApiError(refusal);
      const index = await indexes.take();
      return createWallet(id, body.customerId, { index, addresses: await signer.depositAddresses(index) });
    },
  });
}

function listRoute({ db }: Deps): ReadRoute {
  return {
    method: 'GET',
    path: '/v1/crypto-wallets',
    operationId: 'listWallets',
    tag,
    summary: 'List wallets',
    description: 'Returns your wallets, newest first.',
    access: 'key',
    list: true,
    query: Type.Object({
      customerId: Type.Optional(Type.String({ description: 'Only the wallets of this customer' })),
      status: Type.Optional(oneOf(walletStatuses, 'Only wallets with this status')),
    }),
    okDescription: 'A page of wallets',
    data: wallet,
    read: ({ caller, query }) => {
      const { customerId, status } = query;
      return listWallets(db, caller.environment.id, { customerId, status }, pageOf(query), walletJson);
    },
  };
}

function getRoute({ db }: Deps): ReadRoute {
  return {
    method: 'GET',
    path: '/v1/crypto-wallets/{walletId}',
    operationId: 'getWallet',
    tag,
    summary: 'Get a wallet',
    description: 'Returns one wallet.',
    access: 'key',
    params,
    okDescription: 'The wallet',
    data: wallet,
    errors: ['NOT_FOUND'],
    read: async (context) => walletJson(await requireWallet(db, context)),
  };
}

function updateRoute(): Route {
  return writeRoute<UpdateWalletBody>({
    method: 'PATCH',
    path: '/v1/crypto-wallets/{walletId}',
    operationId: 'updateWallet',
    tag,
    summary: 'Freeze, thaw or close a wallet',
    description:
      'A frozen wallet still receives and sends nothing. Only an empty wallet can be closed, for good.',
    access: 'key',
    params,
    body: UpdateWalletBody,
    okDescription: 'The wallet',
    data: wallet,
    errors: ['NOT_FOUND', 'CONFLICT'],
    write: ({ body, caller, params: { walletId = '' } }): Command<string> =>
      updateWallet(caller.environment.id, walletId, body.status),
  });
}

function balanceRoute({ db }: Deps): ReadRoute {
  return {
    method: 'GET',
    path: '/v1/crypto-wallets/{walletId}/balance',
    operationId: 'getWalletBalance',
    tag,
    summary: 'Get the balance',
    description:
      'Returns what is in a wallet: `balance` is the available USDC, `balances` has every currency.',
    access: 'key',
    params,
    okDescription: 'The balance',
    data: { name: 'WalletBalance', schema: WalletBalance },
    errors: ['NOT_FOUND'],
    async read(context) {
      const isLive = context.caller.environment.kind === 'live';
      return readBalance(db, await requireWallet(db, context), isLive);
    },
  };
}

function addressesRoute({ creditedOn, db }: Deps): ReadRoute {
  return {
    method: 'GET',
    path: '/v1/crypto-wallets/{walletId}/crypto-deposit-addresses',
    operationId: 'listDepositAddresses',
    tag,
    summary: 'List the deposit addresses',
    description:
      'Returns the address on every chain and what may be sent to it. Live wallets have those chains and currencies that ' +
      'this server follows: anything else would not be credited.',
    access: 'key',
    params,
    okDescription: 'The deposit addresses',
    data: { name: 'DepositAddresses', schema: DepositAddresses },
    errors: ['NOT_FOUND'],
    async read(context) {
      const rows = await listDepositAddresses(db, await requireWallet(db, context));
      const byChain = new Map(rows.map((row) => [row.chain, row.address]));
      const addresses = chains.flatMap((chain) => {
        const address = byChain.get(chain);
        const currencies = [...creditedOn(chain)];
        return address === undefined || currencies.length === 0 ? [] : [{ chain, address, currencies }];
      });
      return depositAddressesJson(addresses);
    },
  };
}

async function requireWallet(
  db: Db,
  { caller, params: { walletId = '' } }: RequestContext,
): Promise<WalletRow> {
  const row = await findWallet(db, caller.environment.id, walletId);
  if (!row) throw new ApiError(notFound('wallet'));
  return row;
}
