import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { parseFiatDeposit } from '../fiat/deposits/request.ts';
import { type Currency, currencyScale, formatAmount, parseAmount, parseRatio } from '../platform/money.ts';
import type { CryptoDepositBody } from '../resources/sandbox/schema.ts';
import { payoutMinor } from '../resources/transfers/pricing.ts';
import { parseTransferRequest } from '../resources/transfers/request.ts';
import { parseCryptoDeposit } from '../simulator/crypto-deposits.ts';
import type { JournalHeadRow } from '../store/tables/lanes.ts';
import type { AccountRow, PostingRow } from '../store/tables/ledger.ts';
import { internalTransit } from './accounts.ts';
import {
  convertedDepositFlow,
  depositFlow,
  exchangeUncreditedFlow,
  fiatDepositFlow,
  holdUncreditedFlow,
  type PayoutMoney,
  releaseTransferFlow,
  releaseUncreditedFlow,
  reserveTransferFlow,
  restoreDepositFlow,
  returnedDepositFlows,
  returnPayoutFlow,
  returnUncreditedFlow,
  reverseDepositFlow,
  settleConvertedTransferFlow,
  settlePayoutFlow,
  settleTransferFlow,
  treasuryOutflowFlow,
  writeOffUncreditedFlow,
} from './flows.ts';
import { genesisHash, type JournalDraft, postJournal } from './journal.ts';

/** Computes the figures of docs/recipes with the money flows, and compares them with the recipes. */

const recipesFolder = fileURLToPath(new URL('../../../docs/recipes', import.meta.url));
const stripe = { environmentId: 'env_recipe', lane: 0 };
const ids = { transactionId: 'txn_recipe', walletId: 'wal_recipe00' };

/** A line of a journal, as the recipe's table has it. */
interface Line {
  readonly account: string;
  readonly debit: string;
  readonly credit: string;
  readonly 'balance after': string;
}

interface Journal {
  readonly kind: string;
  readonly lines: readonly Line[];
}

/** The content of a recipe. */
interface Recipe {
  /** The first table: given values and results. */
  readonly figures: ReadonlyMap<string, string>;
  readonly journals: readonly Journal[];
  readonly accounts: string;
}

/** The rows of the first table in a text, by the names of its columns. */
function readTable(text: string): Record<string, string>[] {
  const rows = text
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    );
  const [names = [], , ...cells] = rows;
  return cells.map((row) => Object.fromEntries(names.map((name, index) => [name, row[index] ?? ''])));
}

function readRecipe(name: string): Recipe {
  const text = readFileSync(join(recipesFolder, name), 'utf8');
  const [, ...sections] = text.split(/^## /m);
  const journals = sections.flatMap((section) => {
    const kind = /^Journal \d+: `(\w+)`/.exec(section)?.[1];
    return kind === undefined ? [] : [{ kind, lines: readTable(section) as unknown as Line[] }];
  });
  const figures = readTable(sections[0] ?? '').map(({ figure = '', value = '' }) => [figure, value] as const);
  const accounts = /```\n([^`]*)```/.exec(sections.find((section) => section.startsWith('T-acc')) ?? '')?.[1];
  return { figures: new Map(figures), journals, accounts: accounts?.trimEnd() ?? '' };
}

const print = (minor: bigint, currency: string): string =>
  formatAmount(minor, currencyScale[currency as Currency]);

/** The name of an account in the recipes. */
function nameOf({ chain, currency, kind }: AccountRow): string {
  return [kind, ...(chain === null ? [] : [chain]), currency].join(' ');
}

/** Posts journals in order, on empty books. */
function createBooks() {
  const accounts = new Map<string, AccountRow>();
  const posted: { kind: string; postings: readonly PostingRow[] }[] = [];
  let head: JournalHeadRow = {
    bucket: 0,
    environment_id: stripe.environmentId,
    journal_seq: 0n,
    journal_hash: genesisHash,
    event_seq: 0n,
  };
  const account = (id: string): AccountRow => accounts.get(id) as AccountRow;
  return {
    post(draft: JournalDraft): void {
      const result = postJournal(draft, head, {
        ...stripe,
        bucket: 0,
        now: '2025-01-15T11:00:00.000Z',
        newJournalId: () => `jrn_${posted.length}`,
        readAccount: (id) => accounts.get(id),
      });
      for (const row of result.accounts) accounts.set(row.id, row);
      posted.push({ kind: draft.kind, postings: result.postings });
      head = result.head;
    },
    journals: (): Journal[] =>
      posted.map(({ kind, postings }) => ({
        kind,
        lines: postings.map((line) => ({
          account: nameOf(account(line.account_id)),
          debit: line.amount_minor > 0n ? print(line.amount_minor, line.currency) : '',
          credit: line.amount_minor < 0n ? print(-line.amount_minor, line.currency) : '',
          'balance after': print(line.balance_after_minor, line.currency),
        })),
      })),
    tAccounts: (): string =>
      [...accounts.values()]
        .map((row) => {
          const lines = posted.flatMap(({ postings }, index) =>
            postings
              .filter((line) => line.account_id === row.id)
              .map((line) => tLine(`(${index + 1})`, line.amount_minor, row.currency)),
          );
          const debit = row.normal_side === 'debit' ? row.balance_minor : -row.balance_minor;
          const isCredit = debit < 0n || (debit === 0n && row.normal_side === 'credit');
          const title = nameOf(row);
          return [
            ' '.repeat(Math.max(0, side + 1 - Math.ceil(title.length / 2))) + title,
            `${'─'.repeat(side)}┬${'─'.repeat(side)}`,
            ...lines,
            `${'─'.repeat(side)}┼${'─'.repeat(side)}`,
            tLine('', debit, row.currency, isCredit),
            '',
          ].join('\n');
        })
        .join('\n'),
    balanceOf: (name: string) => {
      const row = [...accounts.values()].find((candidate) => nameOf(candidate) === name) as AccountRow;
      return print(row.balance_minor, row.currency);
    },
  };
}

/** The width of one side of a T account. */
const side = 18;

function tLine(mark: string, amountMinor: bigint, currency: string, isCredit = amountMinor < 0n): string {
  const text = print(amountMinor < 0n ? -amountMinor : amountMinor, currency);
  const cell = `${mark.padEnd(4)}${text.padStart(side - 6)}  `;
  return isCredit ? `${' '.repeat(side)}│ ${cell}`.trimEnd() : `${cell}│`;
}

type Books = ReturnType<typeof createBooks>;

/** The given values of a recipe. */
function given(recipe: Recipe): (name: string) => string {
  return (name) => {
    const value = recipe.figures.get(name);
    expect(value, `the figure "${name}"`).toBeDefined();
    return value as string;
  };
}

function depositTerms(recipe: Recipe) {
  const figure = given(recipe);
  const body = { chain: figure('chain'), currency: figure('currency'), amount: figure('amount arrived') };
  const rate = recipe.figures.get('sell rate') ?? '0';
  const rates = {
    quote: () => ({ buyRate: rate, sellRate: rate, midRate: rate }),
    pairs: () => [],
    faultOf: () => undefined,
  };
  const read = parseCryptoDeposit({ ...body, walletId: ids.walletId } as CryptoDepositBody, rates, 0);
  if ('refusal' in read) throw new Error(read.refusal.message);
  return read.terms;
}

/** Runs each recipe with its given values, and returns the results. */
const plays: Readonly<Record<string, (recipe: Recipe, books: Books) => Record<string, string>>> = {
  'crypto-deposit.md'(recipe, books) {
    const terms = depositTerms(recipe);
    const { chain, creditedCurrency: currency, creditedMinor: amountMinor } = terms;
    books.post(depositFlow(stripe, { ...ids, chain, currency, amountMinor }));
    return { 'amount credited': print(amountMinor, currency) };
  },
  'usdt-deposit-with-conversion.md'(recipe, books) {
    const terms = depositTerms(recipe);
    books.post(convertedDepositFlow(stripe, { ...ids, ...terms }));
    return { 'amount credited': print(terms.creditedMinor, terms.creditedCurrency) };
  },
  'on-chain-transfer.md'(recipe, books) {
    const chain = given(recipe)('chain');
    const money = transferMoney(recipe, books, chain);
    books.post(settleTransferFlow(stripe, chain, money));
    return transferFigures(money, books);
  },
  'converted-transfer.md'(recipe, books) {
    const figure = given(recipe);
    const [chain, payoutCurrency] = [figure('chain'), figure('currency sent')];
    const terms = readTransfer(recipe, chain, payoutCurrency);
    const rate = figure('rate');
    const finalMinor = payoutMinor(terms, payoutCurrency as Currency, {
      rate,
      midRate: rate,
      isParity: false,
    });
    const sent = { ...reserve(recipe, books, terms), payoutCurrency, finalMinor };
    books.post(settleConvertedTransferFlow(stripe, chain, sent));
    return payoutFigures(sent, books);
  },
  'cancelled-transfer.md'(recipe, books) {
    const money = transferMoney(recipe, books, given(recipe)('chain'));
    books.post(releaseTransferFlow(money));
    return transferFigures(money, books);
  },
  'bank-payout.md'(recipe, books) {
    const payout = payoutMoney(recipe, books);
    books.post(settlePayoutFlow(stripe, payout));
    return payoutFigures(payout, books);
  },
  'returned-payout.md'(recipe, books) {
    const payout = payoutMoney(recipe, books);
    books.post(settlePayoutFlow(stripe, payout));
    books.post(returnPayoutFlow(stripe, payout));
    books.post(releaseTransferFlow(payout));
    return payoutFigures(payout, books);
  },
  'fiat-deposit.md'(recipe, books) {
    const figure = given(recipe);
    const currency = figure('currency') as 'eur';
    const rate = figure('rate');
    const read = parseFiatDeposit(
      { virtualAccountId: 'va_recipe00', amount: figure('amount arrived') },
      currency,
      { rate, midRate: rate, isParity: false },
      parseRatio(figure('fee rate')),
    );
    if ('refusal' in read) throw new Error(read.refusal.message);
    const { creditedMinor, feeMinor, sourceMinor } = read.terms;
    const money = { ...ids, sourceCurrency: currency, sourceMinor, feeMinor };
    books.post(fiatDepositFlow(stripe, { ...money, creditedCurrency: 'usdc', creditedMinor }));
    return { fee: print(feeMinor, currency), 'amount credited': print(creditedMinor, 'usdc') };
  },
  'reversed-deposit.md'(recipe, books) {
    const figure = given(recipe);
    const { chain, creditedCurrency: currency, creditedMinor: amountMinor } = depositTerms(recipe);
    const spent = parseAmount(figure('amount spent'), currencyScale[currency as Currency]);
    if (!spent.ok) throw new Error(spent.fault);
    const deposit = depositFlow(stripe, { ...ids, chain, currency, amountMinor });
    books.post(deposit);
    books.post(reserveTransferFlow({ ...ids, currency, amountMinor: spent.minor, feeMinor: 0n }));
    const share = { walletMinor: amountMinor - spent.minor, houseMinor: spent.minor };
    books.post(reverseDepositFlow(stripe, deposit, share));
    books.post(restoreDepositFlow(stripe, deposit, share));
    return {
      'taken back': print(share.walletMinor, currency),
      'lost by the house': print(share.houseMinor, currency),
    };
  },
  'returned-deposit.md'(recipe, books) {
    const figure = given(recipe);
    const currency = figure('currency') as Currency;
    const amount = parseAmount(figure('amount arrived'), currencyScale[currency]);
    if (!amount.ok) throw new Error(amount.fault);
    const money = { ...ids, sourceCurrency: currency, sourceMinor: amount.minor };
    for (const journal of returnedDepositFlows(stripe, money)) books.post(journal);
    return { 'amount returned': print(amount.minor, currency) };
  },
  'uncredited-deposit.md'(recipe, books) {
    const figure = given(recipe);
    const currency = figure('currency') as Currency;
    const amount = parseAmount(figure('amount arrived'), currencyScale[currency]);
    if (!amount.ok) throw new Error(amount.fault);
    const money = { actionId: 'action', chain: figure('chain'), currency, amountMinor: amount.minor };
    books.post(holdUncreditedFlow(stripe, money));
    books.post(returnUncreditedFlow(stripe, money));
    books.post(holdUncreditedFlow(stripe, money));
    books.post(releaseUncreditedFlow(stripe, money));
    books.post(writeOffUncreditedFlow(stripe, money));
    books.post(exchangeUncreditedFlow(stripe, { ...ids, currency, amountMinor: amount.minor }));
    return { 'amount returned': print(amount.minor, currency) };
  },
  'internal-transfer.md'(recipe, books) {
    const chain = given(recipe)('chain');
    const money = transferMoney(recipe, books, chain);
    const { amountMinor, currency, feeMinor } = money;
    const transit = internalTransit(stripe, currency);
    books.post(settleTransferFlow(stripe, chain, money, transit));
    const netMinor = amountMinor - feeMinor;
    const receiver = { transactionId: 'txn_received', walletId: 'wal_recipe01' };
    books.post(depositFlow(stripe, { ...receiver, chain, currency, amountMinor: netMinor }, transit));
    return { ...transferFigures(money, books), 'amount credited': print(netMinor, currency) };
  },
  'treasury-outflow.md'(recipe, books) {
    const figure = given(recipe);
    const [chain, currency] = [figure('chain'), figure('currency')];
    const { creditedMinor } = depositTerms(recipe);
    books.post(depositFlow(stripe, { ...ids, chain, currency, amountMinor: creditedMinor }));
    const left = parseAmount(figure('amount that left'), currencyScale[currency as Currency]);
    if (!left.ok) throw new Error(left.fault);
    const outflow = { outflowId: 'out_recipe00', chain, currency, amountMinor: left.minor };
    books.post(treasuryOutflowFlow(stripe, outflow));
    return { 'lost by the house': books.balanceOf(`chain_loss ${currency}`) };
  },
};

const destinations: Readonly<Record<string, string>> = {
  solana: '9WzDXwBbmkg8ZTbNMqUxvQRAyrZzDsGYdLVL9zYtAWWM',
  tron: 'TBA6CypYJizwA9XdC7Ubgc5F1bxrQ7SqPt',
  faster_payments: 'pa_01jhmbxq7ve2r8n5d0kz3c6tga',
  ach: 'pa_01jhmbxq7ve2r8n5d0kz3c6tga',
};

/** Parses a recipe's transfer as the server does, with the rate of the recipe as the current rate. */
function readTransfer(recipe: Recipe, rail: string, destinationCurrency: string) {
  const figure = given(recipe);
  const body = {
    customerId: 'cus_recipe00',
    walletId: ids.walletId,
    amount: figure('amount'),
    sourceCurrency: figure('currency'),
    destinationCurrency,
    destinationPaymentRail: rail,
    destinationAddress: destinations[rail] ?? '',
  };
  const feeRate = parseRatio(figure('fee rate'));
  const rate = recipe.figures.get('rate') ?? '1';
  const convert = () => ({ rate, midRate: rate, isParity: rate === '1' });
  const read = parseTransferRequest(body, { onChainFee: feeRate, fiatFee: feeRate, convert });
  if ('refusal' in read) throw new Error(read.refusal.message);
  return read.terms;
}

/** Posts the deposit of the wallet's balance, and the reservation of the transfer. */
function reserve(recipe: Recipe, books: Books, terms: ReturnType<typeof readTransfer>) {
  const { amountMinor, currency, feeMinor } = terms;
  const arrived = parseAmount(given(recipe)('balance before'), currencyScale[currency]);
  if (!arrived.ok) throw new Error(arrived.fault);
  const money = { ...ids, currency, amountMinor, feeMinor };
  books.post(depositFlow(stripe, { ...ids, chain: 'solana', currency, amountMinor: arrived.minor }));
  books.post(reserveTransferFlow(money));
  return money;
}

function transferMoney(recipe: Recipe, books: Books, chain: string) {
  return reserve(recipe, books, readTransfer(recipe, chain, given(recipe)('currency')));
}

function payoutMoney(recipe: Recipe, books: Books): PayoutMoney & { readonly currency: Currency } {
  const figure = given(recipe);
  const payoutCurrency = figure('payout currency');
  const terms = readTransfer(recipe, figure('rail'), payoutCurrency);
  if (terms.kind !== 'bank') throw new Error('A payout is paid by a bank');
  return { ...reserve(recipe, books, terms), payoutCurrency, finalMinor: terms.expectedMinor };
}

function transferFigures(money: ReturnType<typeof transferMoney>, books: Books): Record<string, string> {
  const { amountMinor, currency, feeMinor } = money;
  return {
    fee: print(feeMinor, currency),
    'net amount': print(amountMinor - feeMinor, currency),
    'balance after': books.balanceOf(`wallet_available ${currency}`),
  };
}

function payoutFigures(payout: ReturnType<typeof payoutMoney>, books: Books): Record<string, string> {
  return {
    ...transferFigures(payout, books),
    'final amount': print(payout.finalMinor, payout.payoutCurrency),
  };
}

it('every recipe is tested', () => {
  expect(readdirSync(recipesFolder).sort()).toEqual(Object.keys(plays).sort());
});

it('the recipes name every money flow', () => {
  const flows = readFileSync(new URL('./flows.ts', import.meta.url), 'utf8');
  const names = [...flows.matchAll(/export function (\w+Flow)\(/g)].map(([, name]) => name as string);
  expect(names.length).toBeGreaterThan(0);
  const texts = Object.keys(plays).map((name) => readFileSync(join(recipesFolder, name), 'utf8'));
  expect(names.filter((name) => !texts.join().includes(`\`${name}\``))).toEqual([]);
});

it.each(Object.entries(plays))('%s has the figures of the flows', (name, play) => {
  const recipe = readRecipe(name);
  const books = createBooks();
  const follows = play(recipe, books);
  expect(recipe.journals).toEqual(books.journals());
  expect(recipe.accounts).toBe(books.tAccounts().trimEnd());

  expect(Object.fromEntries(recipe.figures)).toMatchObject(follows);
});
