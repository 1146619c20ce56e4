import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ApiClient } from '../support/client.ts';
import {
  approvedCustomer,
  deposit,
  newOrganisation,
  newPayee,
  newWallet,
  ok,
  transferBody,
  usBank,
  walk,
} from '../support/factories.ts';
import { startServer, type TestServer } from '../support/server.ts';

/**
 * The recipes whose figures do not hang on the rate of the moment, played over HTTP on empty books: the journals that the
 * server then lists are those of the document. `recipes.test.ts` beside the flows has all of them, without a server.
 */

const folder = join(import.meta.dirname, '../../docs/recipes');

interface Line {
  readonly account: string;
  readonly debit: string;
  readonly credit: string;
  readonly balanceAfter: string;
}

interface Journal {
  readonly kind: string;
  readonly lines: readonly Line[];
}

/** The journals of a recipe, and what its first table gives. */
function readRecipe(name: string): { journals: Journal[]; figure: (name: string) => string } {
  const text = readFileSync(join(folder, name), 'utf8');
  const cells = (section: string): string[][] =>
    section
      .split('\n')
      .filter((line) => line.startsWith('|'))
      .slice(2)
      .map((line) =>
        line
          .slice(1, -1)
          .split('|')
          .map((cell) => cell.trim()),
      );
  const sections = text.split(/^## /m);
  const figures = new Map(cells(sections[1] ?? '').map(([key = '', value = '']) => [key, value]));
  const journals = sections.flatMap((section) => {
    const kind = /^Journal \d+: `(\w+)`/.exec(section)?.[1];
    if (kind === undefined) return [];
    const lines = cells(section).map(([account = '', debit = '', credit = '', balanceAfter = '']) => {
      return { account, debit, credit, balanceAfter };
    });
    return [{ kind, lines }];
  });
  const figure = (key: string): string => {
    const value = figures.get(key);
    if (value === undefined) throw new Error(`${name} gives no ${key}`);
    return value;
  };
  return { journals, figure };
}

/** What the recipes call an account: `wal_…:available:usdc` is `wallet_available usdc`. */
function nameOf(accountId: string): string {
  const [owner = '', ...rest] = accountId.split(':');
  return owner.startsWith('wal_') ? `wallet_${rest.join(' ')}` : rest.slice(1).join(' ');
}

type Posting = { accountId: string; side: string; amount: string; balanceAfter: string };

/** The server's journals, in the order in which they were posted. */
async function journalsOf(api: ApiClient): Promise<Journal[]> {
  const listed = await walk(api, '/v1/ledger/journals', 50);
  return listed
    .toSorted((a, b) => Number(a.seq) - Number(b.seq))
    .map(({ kind, postings }) => ({
      kind,
      lines: postings.map(({ accountId, amount, balanceAfter, side }: Posting) => ({
        account: nameOf(accountId),
        debit: side === 'debit' ? amount : '',
        credit: side === 'credit' ? amount : '',
        balanceAfter,
      })),
    }));
}

type Play = (api: ApiClient, figure: (name: string) => string) => Promise<unknown>;

/** A wallet with the recipe's balance, and the recipe's transfer out of it, taken through some steps. */
async function transfer(
  api: ApiClient,
  figure: (name: string) => string,
  destination: (customerId: string) => Promise<object>,
  steps: readonly object[],
): Promise<void> {
  const wallet = await newWallet(api);
  await deposit(api, wallet.id, figure('balance before'));
  const body = { amount: figure('amount'), ...(await destination(wallet.customerId)) };
  const { id } = await ok(api.post('/v1/transfers', transferBody(wallet, body)));
  for (const step of steps) await ok(api.post(`/v1/sandbox/transactions/${id}/advance`, step));
}

const onChain = async (): Promise<object> => ({});

const plays: Readonly<Record<string, Play>> = {
  async 'crypto-deposit.md'(api, figure) {
    const { id } = await newWallet(api);
    const { chain, currency } = { chain: figure('chain'), currency: figure('currency') };
    await deposit(api, id, figure('amount arrived'), { chain, currency });
  },
  'on-chain-transfer.md': (api, figure) => transfer(api, figure, onChain, [{ status: 'completed' }]),
  'cancelled-transfer.md': (api, figure) => transfer(api, figure, onChain, [{ status: 'failed' }]),
  'returned-payout.md': (api, figure) => {
    const toBank = async (customerId: string): Promise<object> => ({
      destinationCurrency: figure('payout currency'),
      destinationPaymentRail: figure('rail'),
      destinationAddress: (await newPayee(api, customerId, usBank())).id,
    });
    const steps = [{ status: 'payment_processed' }, { status: 'returned' }, { status: 'refunded' }];
    return transfer(api, figure, toBank, steps);
  },
  async 'returned-deposit.md'(api, figure) {
    const { id: customerId } = await approvedCustomer(api);
    const account = await ok(
      api.post('/v1/virtual-accounts', { customerId, sourceCurrency: figure('currency') }),
    );
    await ok(api.post(`/v1/virtual-accounts/${account.id}/deactivate`));
    const body = { virtualAccountId: account.id, amount: figure('amount arrived') };
    await ok(api.post('/v1/sandbox/fiat-deposits', body));
  },
};

let server: TestServer;
beforeAll(async () => {
  server = await startServer({ sandboxStepMs: 3_600_000 });
});
afterAll(() => server.stop());

it.each(Object.entries(plays))('%s is what the server posts', async (name, play) => {
  const { api } = await newOrganisation(server, name);
  const { figure, journals } = readRecipe(name);
  expect(journals.length).toBeGreaterThan(0);
  await play(api, figure);
  expect(await journalsOf(api)).toEqual(journals);
  expect(await ok(api.get('/v1/ledger/verify'))).toMatchObject({ ok: true, problems: [] });
});
