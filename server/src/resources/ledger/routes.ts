import Type from 'typebox';
import type { Signer } from '../../custody/signer.ts';
import type { Route } from '../../http/route.ts';
import { oneOf } from '../../http/schema.ts';
import { verifyLedger } from '../../ledger/verify.ts';
import type { EnvironmentKind } from '../../platform/environments.ts';
import { limits } from '../../platform/limits.ts';
import { createSemaphore } from '../../platform/semaphore.ts';
import type { Db } from '../../store/database.ts';
import type { Pool } from '../../store/pool.ts';
import { createdRange, createdSpan, pageOf } from '../paging.ts';
import { listAccounts, listJournals } from './queries.ts';
import {
  accountJson,
  accountKinds,
  journalJson,
  LedgerAccount,
  LedgerJournal,
  LedgerVerification,
  verificationJson,
} from './schema.ts';

export interface LedgerDeps {
  readonly db: Db;
  readonly kind: EnvironmentKind;
  readonly pool: Pool;
  readonly signer: Pick<Signer, 'depositAddresses'>;
}

const tag = 'Ledger';

export function ledgerRoutes(deps: LedgerDeps): Route[] {
  return [verifyRoute(deps), accountsRoute(deps), journalsRoute(deps)];
}

function verifyRoute({ kind, pool, signer }: LedgerDeps): Route {
  const withPermit = createSemaphore(limits.verifyConcurrency[kind], limits.verifyWaiting);
  const addresses = {
    at: (index: number) => signer.depositAddresses(index),
    most: limits.verifyAddressesPerRequest,
  };
  return {
    method: 'GET',
    path: '/v1/ledger/verify',
    operationId: 'verifyLedger',
    tag,
    summary: 'Verify the books',
    description:
      'Recomputes every balance of the environment from its postings, checks every journal, transaction and event, ' +
      'follows the hash chain of each lane from its start, checks the code of every row that gives rights or directs ' +
      'money, and compares the addresses of the newest wallets with the seed. It reads everything: on ten million postings it takes ' +
      'minutes, so ask for it now and then, not at each request.',
    access: 'key',
    hasOwnQueue: true,
    okDescription: 'What was found',
    data: { name: 'LedgerVerification', schema: LedgerVerification },
    read: async ({ caller }) =>
      verificationJson(await withPermit(() => verifyLedger(pool, caller.environment.id, addresses))),
  };
}

function accountsRoute({ db }: LedgerDeps): Route {
  return {
    method: 'GET',
    path: '/v1/ledger/accounts',
    operationId: 'listLedgerAccounts',
    tag,
    summary: 'List ledger accounts',
    description:
      "Returns the accounts of the books with their balances: the wallets' accounts, those of the newest wallet first, " +
      "then the house's own. An account is opened by the first journal that names it.",
    access: 'key',
    list: true,
    query: Type.Object({
      customerId: Type.Optional(Type.String({ description: "Only those of this customer's wallets" })),
      walletId: Type.Optional(Type.String({ description: 'Only those of this wallet' })),
      kind: Type.Optional(oneOf(accountKinds, 'Only those of this kind')),
      currency: Type.Optional(Type.String({ description: 'Only those in this currency' })),
    }),
    okDescription: 'A page of accounts',
    data: { name: 'LedgerAccount', schema: LedgerAccount },
    read: ({ caller, query }) => listAccounts(db, caller.environment.id, query, pageOf(query), accountJson),
  };
}

function journalsRoute({ db, pool }: LedgerDeps): Route {
  return {
    method: 'GET',
    path: '/v1/ledger/journals',
    operationId: 'listLedgerJournals',
    tag,
    summary: 'List journals',
    description: 'Returns the journals of the books with their lines, newest first.',
    access: 'key',
    list: true,
    query: Type.Object({
      transactionId: Type.Optional(Type.String({ description: 'Only those of this transaction' })),
      accountId: Type.Optional(
        Type.String({
          description: 'Only those with a line on this account, by its ID in the list of accounts',
        }),
      ),
      ...createdRange,
    }),
    okDescription: 'A page of journals',
    data: { name: 'LedgerJournal', schema: LedgerJournal },
    read: ({ caller, query }) =>
      listJournals(
        { db, pool },
        caller.environment.id,
        { ...query, ...createdSpan(query) },
        pageOf(query),
        journalJson,
      ),
  };
}
