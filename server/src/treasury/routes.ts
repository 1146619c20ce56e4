import Type from 'typebox';
import type { ProofKey } from '../custody/transfer-proof.ts';
import type { Caller } from '../http/auth.ts';
import { type ReadRoute, type Route, writeRoute } from '../http/route.ts';
import { listDeposits, listWaitingPayments } from '../onchain/operator/overview.ts';
import { viewPayment } from '../onchain/operator/payment-view.ts';
import { findAction } from '../onchain/operator/queries.ts';
import {
  type DepositOrder,
  orderAboutDeposit,
  orderAboutPayment,
  orderNonceFill,
  type PaymentOrder,
} from '../onchain/operator/requests.ts';
import { ApiError, invalidRequest, notFound } from '../platform/errors.ts';
import { limits } from '../platform/limits.ts';
import { currencyScale, parseAmount } from '../platform/money.ts';
import type { Pool } from '../store/pool.ts';
import type { OperatorActionRow } from '../store/tables/chains.ts';
import type { Command } from '../writer/command.ts';
import {
  actionJson,
  CreditBody,
  depositJson,
  NonceFillBody,
  OrderBody,
  paymentDetailsJson,
  paymentJson,
  ResolveBody,
  ReturnBody,
  TreasuryAction,
  TreasuryDeposit,
  TreasuryPayment,
  TreasuryPaymentDetails,
} from './schema.ts';

interface TreasuryDeps {
  readonly pool: Pool;
  readonly proofKey: () => ProofKey;
  /** The ids of the live keys that may use these routes. */
  readonly treasuryKeys: readonly string[];
}

const tag = 'Treasury';
const action = { name: 'TreasuryAction', schema: TreasuryAction };
const chainQuery = { chain: Type.Optional(Type.String({ description: 'Only this chain' })) };
const paymentParams = { paymentId: 'The ID of the payment; of a transfer, the transfer ID' };
const depositParams = { depositId: 'The ID of the uncredited deposit, as the list has it' };

/** The routes of operators. Any key that is not named by the setting gets 404. */
export function treasuryRoutes(deps: TreasuryDeps): Route[] {
  return [...readRoutes(deps), ...paymentRoutes(deps), ...depositRoutes(deps), nonceRoute(deps)];
}

/** @throws ApiError 404 unless the caller's key is live and named by the setting */
function requireTreasury({ treasuryKeys }: TreasuryDeps, { environment, keyId }: Caller): void {
  if (environment.kind === 'live' && treasuryKeys.includes(keyId)) return;
  throw new ApiError(notFound('treasury'));
}

function readRoutes(deps: TreasuryDeps): ReadRoute[] {
  const { pool } = deps;
  const common = { method: 'GET', tag, access: 'key', errors: ['NOT_FOUND'] } as const;
  return [
    {
      ...common,
      path: '/v1/treasury/payments',
      operationId: 'listTreasuryPayments',
      summary: 'List payments that wait',
      description:
        'Returns the payments on chains that have not ended, the longest waiting first: why, and since when.',
      list: true,
      query: Type.Object(chainQuery),
      okDescription: 'The payments',
      data: { name: 'TreasuryPayment', schema: TreasuryPayment },
      async read({ caller, query }) {
        requireTreasury(deps, caller);
        const found = await listWaitingPayments(pool, query.chain, limits.pageMax);
        return { items: found.map(paymentJson), nextCursor: null };
      },
    },
    {
      ...common,
      path: '/v1/treasury/payments/{paymentId}',
      operationId: 'getTreasuryPayment',
      summary: 'Get a payment',
      description: 'Returns a payment with its transactions and the orders about it.',
      params: paymentParams,
      okDescription: 'The payment',
      data: { name: 'TreasuryPaymentDetails', schema: TreasuryPaymentDetails },
      async read({ caller, params: { paymentId = '' } }) {
        requireTreasury(deps, caller);
        const view = await viewPayment(pool, paymentId);
        if (!view) throw new ApiError(notFound('payment'));
        return paymentDetailsJson(view);
      },
    },
    {
      ...common,
      path: '/v1/treasury/deposits',
      operationId: 'listTreasuryDeposits',
      summary: 'List uncredited deposits',
      description: 'Returns the newest deposits that were not credited and that nobody has decided about.',
      list: true,
      query: Type.Object(chainQuery),
      okDescription: 'The deposits',
      data: { name: 'TreasuryDeposit', schema: TreasuryDeposit },
      async read({ caller, query }) {
        requireTreasury(deps, caller);
        const found = await listDeposits(pool, { chain: query.chain, all: false, limit: limits.pageMax });
        return { items: found.map(depositJson), nextCursor: null };
      },
    },
    {
      ...common,
      path: '/v1/treasury/actions/{actionId}',
      operationId: 'getTreasuryAction',
      summary: 'Get an order',
      description: 'Returns an order and what became of it.',
      params: { actionId: 'The ID of the order' },
      okDescription: 'The order',
      data: action,
      async read({ caller, params: { actionId = '' } }) {
        requireTreasury(deps, caller);
        const row = await findAction(pool, actionId);
        if (!row) throw new ApiError(notFound('treasury action'));
        return actionJson(row);
      },
    },
  ];
}

/** What every order has in common. */
const order = {
  method: 'POST',
  tag,
  access: 'key',
  okDescription: 'The order. A server that follows the chain carries it out',
  data: action,
  errors: ['NOT_FOUND'],
} as const;

function paymentRoutes(deps: TreasuryDeps): Route[] {
  const write = (id: string, of: PaymentOrder, reason: string, caller: Caller) => {
    requireTreasury(deps, caller);
    return rendered(orderAboutPayment(deps.pool, id, of, { reason, by: caller.keyId }));
  };
  return [
    writeRoute<OrderBody>({
      ...order,
      path: '/v1/treasury/payments/{paymentId}/bump',
      operationId: 'bumpTreasuryPayment',
      summary: 'Bump a payment',
      description:
        'Replaces the newest transaction of a payment at a higher fee, within the limit of the chain (EVM).',
      params: paymentParams,
      body: OrderBody,
      write: ({ body, caller, params: { paymentId = '' } }) =>
        write(paymentId, { kind: 'payment_bump' }, body.reason, caller),
    }),
    writeRoute<OrderBody>({
      ...order,
      path: '/v1/treasury/payments/{paymentId}/cancel',
      operationId: 'cancelTreasuryPayment',
      summary: 'Cancel a payment',
      description: 'Makes sure that a payment can never land, and then refunds its transfer.',
      params: paymentParams,
      body: OrderBody,
      write: ({ body, caller, params: { paymentId = '' } }) =>
        write(paymentId, { kind: 'payment_cancel' }, body.reason, caller),
    }),
    writeRoute<ResolveBody>({
      ...order,
      path: '/v1/treasury/payments/{paymentId}/resolve',
      operationId: 'resolveTreasuryPayment',
      summary: 'Resolve a payment',
      description: 'States what became of a payment. As many nodes as must agree have to confirm it.',
      params: paymentParams,
      body: ResolveBody,
      write({ body: { outcome, reason, txHash }, caller, params: { paymentId = '' } }) {
        requireTreasury(deps, caller);
        if ((outcome === 'paid') !== (txHash !== undefined)) {
          const message = '`txHash` is required for `paid`, and must be left out for `not_paid`.';
          throw new ApiError(invalidRequest('tx_hash_invalid', message, [{ path: '/txHash', message }]));
        }
        return write(paymentId, { kind: 'payment_resolve', txHash }, reason, caller);
      },
    }),
  ];
}

function depositRoutes(deps: TreasuryDeps): Route[] {
  const write = (id: string, of: DepositOrder, reason: string, caller: Caller) =>
    rendered(orderAboutDeposit(deps, id, of, { reason, by: caller.keyId }));
  return [
    writeRoute<CreditBody>({
      ...order,
      path: '/v1/treasury/deposits/{depositId}/credit',
      operationId: 'creditTreasuryDeposit',
      summary: 'Credit an uncredited deposit',
      description: 'Credits a deposit to the customer whose address received it.',
      params: depositParams,
      body: CreditBody,
      write({ body: { amount, currency, reason, walletId }, caller, params: { depositId = '' } }) {
        requireTreasury(deps, caller);
        const amountMinor = amount === undefined ? undefined : minorOf(amount);
        return write(depositId, { kind: 'deposit_credit', walletId, amountMinor, currency }, reason, caller);
      },
    }),
    writeRoute<ReturnBody>({
      ...order,
      path: '/v1/treasury/deposits/{depositId}/return',
      operationId: 'returnTreasuryDeposit',
      summary: 'Return an uncredited deposit',
      description: 'Sends a deposit to an address on its chain, once.',
      params: depositParams,
      body: ReturnBody,
      write({ body: { reason, to }, caller, params: { depositId = '' } }) {
        requireTreasury(deps, caller);
        return write(depositId, { kind: 'deposit_return', to }, reason, caller);
      },
    }),
    writeRoute<OrderBody>({
      ...order,
      path: '/v1/treasury/deposits/{depositId}/write-off',
      operationId: 'writeOffTreasuryDeposit',
      summary: 'Write an uncredited deposit off',
      description: 'Ends a deposit that nobody claims. What arrived stays in custody, owed to its sender.',
      params: depositParams,
      body: OrderBody,
      write({ body, caller, params: { depositId = '' } }) {
        requireTreasury(deps, caller);
        return write(depositId, { kind: 'deposit_write_off' }, body.reason, caller);
      },
    }),
  ];
}

function nonceRoute(deps: TreasuryDeps): Route {
  return writeRoute<NonceFillBody>({
    ...order,
    path: '/v1/treasury/nonce-fills',
    operationId: 'fillTreasuryNonces',
    summary: 'Fill a gap in nonces',
    description: 'Fills nonces that the chain waits for and no payment uses, by transfers of nothing.',
    body: NonceFillBody,
    write({ body: { chain, reason, sender }, caller }) {
      requireTreasury(deps, caller);
      return rendered(orderNonceFill(deps.pool, chain, sender, { reason, by: caller.keyId }));
    },
  });
}

/** @throws ApiError 400 */
function minorOf(amount: string): bigint {
  const parsed = parseAmount(amount, currencyScale.usdc);
  if (parsed.ok) return parsed.minor;
  const message = '`amount` must be a positive decimal with at most 6 decimals.';
  throw new ApiError(invalidRequest('credit_invalid', message, [{ path: '/amount', message }]));
}

async function rendered(making: Promise<Command<OperatorActionRow>>): Promise<Command<string>> {
  const { decide, ...command } = await making;
  return {
    ...command,
    decide(state, context) {
      const decided = decide(state, context);
      return 'refusal' in decided ? decided : { ...decided, result: actionJson(decided.result) };
    },
  };
}
