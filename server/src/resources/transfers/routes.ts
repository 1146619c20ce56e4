import Type from 'typebox';
import type { OwnAddresses } from '../../chains/destinations.ts';
import { type ReadRoute, type Route, writeRoute } from '../../http/route.ts';
import { ApiError, invalidRequest } from '../../platform/errors.ts';
import { bucketOfId } from '../../platform/ids.ts';
import type { Ratio } from '../../platform/money.ts';
import { conversionRate } from '../../rates/conversion.ts';
import type { RateProvider } from '../../rates/provider.ts';
import type { Db } from '../../store/database.ts';
import type { EnvironmentClocks } from '../../store/environment-clocks.ts';
import type { Pool } from '../../store/pool.ts';
import { findAddressOwners, ownerKey } from '../crypto-wallets/address-owners.ts';
import { findCustomer } from '../customers/queries.ts';
import { customerNotFound } from '../customers/state.ts';
import { createdSpan, pageOf } from '../paging.ts';
import { listTransactions } from '../transactions/queries.ts';
import { transactionFilters } from '../transactions/routes.ts';
import { Transaction, transactionJson } from '../transactions/schema.ts';
import { cancelTransfer, createTransfer, type TransferProver } from './commands.ts';
import { type LiveCosts, refuseUncovered } from './live-costs.ts';
import { requireTransfer } from './queries.ts';
import { parseTransferRequest, type TransferTerms } from './request.ts';
import { type Pricing, refuse } from './request-amount.ts';
import { CreateTransferBody } from './schema.ts';

interface Deps {
  readonly db: Db;
  readonly clocks: EnvironmentClocks;
  /** @returns undefined if no source of rates is configured */
  ratesFor(kind: 'test' | 'live'): RateProvider | undefined;
  readonly onChainFee: Ratio;
  readonly fiatFee: Ratio;
  readonly sandboxStepMs: number;
  /** Whether a configured chain can send the currency. */
  isPayable(chain: string, currency: string): boolean;
  readonly prove: TransferProver;
  /** Addresses of the house, which are no destinations. */
  readonly ownAddresses: OwnAddresses;
  readonly pool: Pool;
  readonly liveCosts: LiveCosts;
}

const tag = 'Transfers';
const data = { name: 'Transaction', schema: Transaction };
const params = { transferId: 'The transfer ID' };

export function transferRoutes(deps: Deps): Route[] {
  return [createRoute(deps), listRoute(deps), getRoute(deps), cancelRoute(deps)];
}

function createRoute(deps: Deps): Route {
  const { clocks, db, isPayable, ownAddresses, prove, ratesFor, sandboxStepMs, ...fees } = deps;
  return writeRoute<CreateTransferBody>({
    method: 'POST',
    path: '/v1/transfers',
    operationId: 'createTransfer',
    tag,
    summary: 'Create a transfer',
    description:
      'Sends stablecoins from a wallet to an address on a chain, or pays them out in a fiat currency to a ' +
      'counterparty. The whole amount leaves the available balance immediately; `netAmount` is what is sent, or converted ' +
      'at the rate of the moment when it is sent or handed to the bank. On a chain it arrives in the currency that it ' +
      'left in; `usdc` can also be sent as `usdt`. In the sandbox the transfer walks to its ' +
      'end by itself; with a live key it is signed and sent on the chain that the server is configured for.',
    access: 'key',
    body: CreateTransferBody,
    okDescription: 'Transfer created',
    data,
    async write({ body, caller }) {
      const { id, kind } = caller.environment;
      const isLive = kind === 'live';
      if (isLive && !isPayable(body.destinationPaymentRail, body.destinationCurrency)) {
        throw new ApiError(noLiveRail());
      }
      const nowMs = clocks.nowIn(id);
      const rates = ratesFor(kind);
      const convert: Pricing['convert'] = (from, to) => rates && conversionRate(rates, from, to, nowMs);
      const pricing = { ...fees, convert };
      const parsed = parseTransferRequest(body, pricing, ownAddresses);
      if ('refusal' in parsed) throw new ApiError(parsed.refusal);
      const terms = isLive ? await priceLive(deps, body, pricing, parsed.terms) : parsed.terms;
      const isInBucket = bucketOfId(body.customerId) === bucketOfId(body.walletId);
      if (!isInBucket && !(await findCustomer(db, id, body.customerId))) {
        throw new ApiError(customerNotFound());
      }
      return createTransfer(id, body, terms, isLive ? null : sandboxStepMs, prove);
    },
  });
}

function listRoute({ db }: Deps): ReadRoute {
  const { type: _, virtualAccountId: __, ...filters } = transactionFilters;
  return {
    method: 'GET',
    path: '/v1/transfers',
    operationId: 'listTransfers',
    tag,
    summary: 'List transfers',
    description: 'Returns your transfers, newest first: the transactions of this type.',
    access: 'key',
    list: true,
    query: Type.Object(filters),
    okDescription: 'A page of transfers',
    data,
    read: ({ caller, query }) =>
      listTransactions(
        db,
        caller.environment.id,
        { ...query, ...createdSpan(query), type: 'transfer' },
        pageOf(query),
        transactionJson,
      ),
  };
}

function getRoute({ db }: Deps): ReadRoute {
  return {
    method: 'GET',
    path: '/v1/transfers/{transferId}',
    operationId: 'getTransfer',
    tag,
    summary: 'Get a transfer',
    description: 'Returns one transfer.',
    access: 'key',
    params,
    okDescription: 'The transfer',
    data,
    errors: ['NOT_FOUND'],
    async read({ caller, params: { transferId = '' } }) {
      return transactionJson(await requireTransfer(db, caller.environment.id, transferId));
    },
  };
}

function cancelRoute({ db, sandboxStepMs: stepMs }: Deps): Route {
  return writeRoute<unknown>({
    method: 'POST',
    path: '/v1/transfers/{transferId}/cancel',
    operationId: 'cancelTransfer',
    tag,
    summary: 'Cancel a transfer',
    description:
      'Stops a transfer that is still `in_review`. It becomes `failed`, and its whole amount is available again.',
    access: 'key',
    params,
    okDescription: 'The transfer',
    data,
    errors: ['NOT_FOUND'],
    async write({ caller, params: { transferId = '' } }) {
      const row = await requireTransfer(db, caller.environment.id, transferId);
      return caller.environment.kind === 'live'
        ? cancelTransfer(row, { stepMs: 0, conversion: undefined, live: {} })
        : cancelTransfer(row, { stepMs, conversion: undefined });
    },
  });
}

/**
 * Completes the terms of a live transfer on a chain with what it costs the house. A transfer within the deployment costs nothing.
 *
 * @throws ApiError 400 if its fee does not cover the cost, or if nobody could use what arrives
 */
async function priceLive(
  { liveCosts, onChainFee, ownAddresses, pool }: Deps,
  body: CreateTransferBody,
  pricing: Pricing,
  terms: TransferTerms,
): Promise<TransferTerms> {
  if (terms.kind !== 'chain') return terms;
  const { address, chain, currency, sentCurrency } = terms;
  const owner = (await findAddressOwners(pool, [{ chain, address }])).get(ownerKey({ chain, address }));
  if (owner?.kind === 'live') return terms;
  if (owner) {
    const message = 'The address must not be a deposit address of a sandbox.';
    throw new ApiError(refuse('unusable_address', '/destinationAddress', message).refusal);
  }
  const cost = await liveCosts.costOf(chain, sentCurrency, address, currency);
  const priced = parseTransferRequest(body, { ...pricing, accountFeeMinor: cost.accountMinor }, ownAddresses);
  if ('refusal' in priced) throw new ApiError(priced.refusal);
  const uncovered = priced.terms.kind === 'chain' && refuseUncovered(priced.terms, cost, onChainFee);
  if (uncovered) throw new ApiError(uncovered.refusal);
  return priced.terms;
}

function noLiveRail() {
  const message =
    '`destinationPaymentRail` must be a chain that this server is configured to send the currency on.';
  return invalidRequest('rail_not_configured', message, [{ path: '/destinationPaymentRail', message }]);
}
