import Type from 'typebox';
import type { Route } from '../../http/route.ts';
import { oneOf } from '../../http/schema.ts';
import { ApiError, notFound } from '../../platform/errors.ts';
import type { Db } from '../../store/database.ts';
import { createdRange, createdSpan, pageOf } from '../paging.ts';
import { findTransaction, listTransactions } from './queries.ts';
import { Transaction, transactionJson, transactionStatuses, transactionTypes } from './schema.ts';

/** The filters of a list of transactions. */
export const transactionFilters = {
  customerId: Type.Optional(Type.String({ description: 'Only those of this customer' })),
  walletId: Type.Optional(Type.String({ description: 'Only those of this wallet' })),
  virtualAccountId: Type.Optional(Type.String({ description: 'Only deposits to this virtual account' })),
  type: Type.Optional(oneOf(transactionTypes, 'Only those of this type')),
  status: Type.Optional(oneOf(transactionStatuses, 'Only those with this status')),
  clientReferenceId: Type.Optional(Type.String({ description: 'Only those with this reference of yours' })),
  ...createdRange,
};

export function transactionRoutes({ db }: { db: Db }): Route[] {
  const tag = 'Transactions';
  const data = { name: 'Transaction', schema: Transaction };
  const list: Route = {
    method: 'GET',
    path: '/v1/transactions',
    operationId: 'listTransactions',
    tag,
    summary: 'List transactions',
    description: 'Returns transfers and deposits, newest first.',
    access: 'key',
    list: true,
    query: Type.Object(transactionFilters),
    okDescription: 'A page of transactions',
    data,
    read: ({ caller, query }) =>
      listTransactions(
        db,
        caller.environment.id,
        { ...query, ...createdSpan(query) },
        pageOf(query),
        transactionJson,
      ),
  };
  const get: Route = {
    method: 'GET',
    path: '/v1/transactions/{transactionId}',
    operationId: 'getTransaction',
    tag,
    summary: 'Get a transaction',
    description: 'Returns one transfer or deposit.',
    access: 'key',
    params: { transactionId: 'The transaction ID' },
    okDescription: 'The transaction',
    data,
    errors: ['NOT_FOUND'],
    async read({ caller, params: { transactionId = '' } }) {
      const row = await findTransaction(db, caller.environment.id, transactionId);
      if (!row) throw new ApiError(notFound('transaction'));
      return transactionJson(row);
    },
  };
  return [list, get];
}
