import { describe, expect, it } from 'vitest';
import { walletAvailable, walletInTransit } from '../../ledger/accounts.ts';
import {
  completeTransfer,
  failTransfer,
  screenTransfer,
  submitTransfer,
} from '../../onchain/payments/commands.ts';
import { fixConversion } from '../../onchain/payments/quote.ts';
import { createVault } from '../../platform/seal.ts';
import { railNames } from '../../rails/rails.ts';
import {
  findReturnCode,
  isUnknownOutcome,
  returnCodesOf,
  usualReturnCode,
} from '../../rails/return-codes.ts';
import { type ConversionRate, convertAtRate } from '../../rates/conversion.ts';
import { advanceDueTransfer } from '../../simulator/commands.ts';
import { forceStatus } from '../../simulator/force-status.ts';
import type { TransactionRow, TransactionStatus } from '../../store/tables/transactions.ts';
import type { WalletRow } from '../../store/tables/wallets.ts';
import type { Command, DecideContext, RowRef, State } from '../../writer/command.ts';
import { newTransaction } from '../transactions/state.ts';
import { cancelTransfer, createTransfer } from './commands.ts';
import { arrivesTooLittle } from './pricing.ts';
import type { TransferTerms } from './request.ts';

const walletId = 'wal_01m8364btve20tvkaz126tzp00';
const transferId = 'txn_01m8364btve20tvkaz126tzp00';
const nowMs = Date.parse('2027-03-01T15:00:00.000Z');
const stepMs = 1000;

const context: DecideContext = {
  nowMs,
  now: new Date(nowMs).toISOString(),
  bucket: 0,
  environmentId: 'env_a',
  lane: 0,
  publicUrl: 'http://localhost:4000',
  vault: createVault(Buffer.alloc(32, 1)),
  newId: (prefix) => `${prefix}_01m8364btve20tvkaz126tzp00`,
};

/** A payout of 3 % fee to a mobile money account in Uganda, whose currency has no decimals. */
function payout(amountMinor: bigint, more: Partial<TransactionRow> = {}): TransactionRow {
  return newTransaction(context, {
    id: transferId,
    customer_id: 'cus_1',
    wallet_id: walletId,
    type: 'transfer',
    status: 'funds_received',
    amount_minor: amountMinor,
    source_currency: 'usdc',
    destination_currency: 'ugx',
    destination_payment_rail: 'mobile_money',
    payout_account_id: 'pa_1',
    fee_minor: amountMinor / 33n,
    next_action_at: context.now,
    ...more,
  });
}

const at = (rate: string): ConversionRate => ({ rate, midRate: rate, isParity: false });

const wallet = (status: WalletRow['status']): WalletRow => ({
  bucket: 0,
  id: walletId,
  environment_id: 'env_a',
  customer_id: 'cus_1',
  status,
  derivation_index: 0n,
  created_at: context.now,
  updated_at: context.now,
});

const noHoldings = (): never => {
  throw new Error('No command here reads holdings');
};

/** Decides a command on these rows twice: both decisions must be equal, and no row may change. */
function decide<Result>(command: Command<Result>, rows: { row: TransactionRow; wallet?: WalletRow }) {
  const declared = command.reads(context);
  const known: Record<string, unknown> = {
    [`transactions/${rows.row.id}`]: rows.row,
    [`wallets/${walletId}`]: rows.wallet ?? wallet('active'),
  };
  const before = structuredClone(known);
  const state: State = {
    get(table, id) {
      expect(declared).toContainEqual(expect.objectContaining({ table, id } satisfies Partial<RowRef>));
      return known[`${table}/${id}`] as never;
    },
    holdings: noHoldings,
  };
  const decision = command.decide(state, context);
  expect(command.decide(state, context)).toEqual(decision);
  expect(known).toEqual(before);
  if ('refusal' in decision) return { reason: decision.refusal.reason };
  const posted = (decision.journals ?? []).flatMap(({ postings }) =>
    postings.map(({ account }) => account.id),
  );
  for (const id of posted)
    expect(declared).toContainEqual(expect.objectContaining({ table: 'accounts', id }));
  return {
    result: decision.result,
    postings: decision.journals?.flatMap(({ postings }) => postings),
    row: decision.writes?.find(({ table }) => table === 'transactions')?.row as TransactionRow,
    tables: decision.writes?.map(({ table }) => table),
    journals: decision.journals?.map(({ kind }) => kind),
    events: decision.events?.map(({ type }) => type),
  };
}

const due = (row: TransactionRow, conversion: ConversionRate | undefined) =>
  decide(advanceDueTransfer(row, { stepMs, conversion }), { row });

describe('a payout whose rate has changed since it was created', () => {
  // Net 291 millionths of a dollar.
  const row = payout(300n);

  it('is submitted while at least the minimum of the rail would arrive', () => {
    expect(arrivesTooLittle(row, at('3500'))).toBe(false);
    const moved = due(row, at('3500'));
    expect(moved.row).toMatchObject({ status: 'payment_submitted', final_minor: 1n, exchange_rate: '3500' });
  });

  it('fails when nothing would arrive, and its whole amount is released', () => {
    expect(arrivesTooLittle(row, at('3400'))).toBe(true);
    const moved = due(row, at('3400'));
    expect(moved).toMatchObject({
      row: { status: 'failed', final_minor: null, exchange_rate: null, return_code: null },
      journals: ['transfer_release'],
      events: ['transaction.updated', 'transaction.completed'],
    });
    expect(moved.row?.return_reason).toMatch(/less would arrive/);
  });

  it('cannot be forced to a status that it cannot reach, but can fail', () => {
    const terms = { stepMs, conversion: at('3400') };
    for (const forced of [{}, { status: 'payment_processed' as const }, { returnCode: 'AC01' }]) {
      expect(decide(forceStatus(row, forced, terms), { row })).toEqual({ reason: 'transition_not_allowed' });
    }
    expect(decide(forceStatus(row, { status: 'refunded' }, terms), { row }).journals).toEqual([
      'transfer_release',
    ]);
  });

  it('waits while there is no rate', () => {
    expect(due(payout(1_000_000n), undefined)).toEqual({ reason: 'not_due' });
    const forced = forceStatus(row, {}, { stepMs, conversion: undefined });
    expect(decide(forced, { row })).toEqual({ reason: 'rate_unavailable' });
  });
});

describe('a transfer of USDC that is sent as USDT', () => {
  const row = newTransaction(context, {
    id: transferId,
    customer_id: 'cus_1',
    wallet_id: walletId,
    type: 'transfer',
    status: 'funds_received',
    amount_minor: 10_000_000n,
    source_currency: 'usdc',
    destination_currency: 'usdt',
    destination_payment_rail: 'tron',
    destination_address: 'T',
    fee_minor: 30_000n,
    next_action_at: context.now,
  });
  const little = { ...row, amount_minor: 2n, fee_minor: 1n, net_minor: 1n };

  it('is converted at the rate of the moment when it is sent, and settled at that rate', () => {
    const sent = due(row, { rate: '0.999', midRate: '1', isParity: false });
    expect(sent).toMatchObject({
      row: {
        status: 'payment_submitted',
        final_minor: 9_960_030n,
        exchange_rate: '0.999',
        exchange_fee_minor: 9970n,
      },
      journals: [],
    });
    const arrived = due({ ...(sent.row as TransactionRow), next_action_at: context.now }, at('2'));
    expect(arrived).toMatchObject({
      row: {
        status: 'completed',
        final_minor: 9_960_030n,
        exchange_rate: '0.999',
        exchange_fee_minor: 9970n,
      },
      journals: ['transfer_settle'],
    });
    const lines = arrived.postings?.map(({ account: { currency, kind }, amountMinor }) => [
      kind,
      currency,
      amountMinor,
    ]);
    expect(lines).toEqual([
      ['wallet_in_transit', 'usdc', 10_000_000n],
      ['fx_position', 'usdc', -9_970_000n],
      ['fx_position', 'usdt', 9_960_030n],
      ['custody', 'usdt', -9_960_030n],
      ['fee_revenue', 'usdc', -30_000n],
    ]);
  });

  it('waits while there is no rate', () => {
    expect(due(row, undefined)).toEqual({ reason: 'not_due' });
    const forced = forceStatus(row, { status: 'completed' }, { stepMs, conversion: undefined });
    expect(decide(forced, { row })).toEqual({ reason: 'rate_unavailable' });
  });

  it('fails when nothing would arrive, and says why', () => {
    expect(due(little, at('0.999'))).toMatchObject({
      row: {
        status: 'failed',
        final_minor: null,
        return_reason: expect.stringMatching(/less than one minor unit/),
      },
      journals: ['transfer_release'],
    });
    const forced = forceStatus(little, {}, { stepMs, conversion: at('0.999') });
    expect(decide(forced, { row: little })).toEqual({ reason: 'transition_not_allowed' });
  });

  it('keeps on a real chain the price that was fixed before it was signed, even if the rate changes', () => {
    const convertedAt = (rate: string) => convertAtRate(row.net_minor, 'usdc', 'usdt', at(rate));
    const priced = decide(fixConversion(row, convertedAt('0.9')), { row });
    expect(priced).toMatchObject({
      result: 8_973_000n,
      row: { status: 'funds_received', final_minor: 8_973_000n, exchange_rate: '0.9' },
      events: ['transaction.updated'],
    });
    const again = decide(fixConversion(row, convertedAt('0.8')), { row: priced.row as TransactionRow });
    expect(again).toMatchObject({ result: 8_973_000n, row: undefined });
    const sent = decide(submitTransfer(row, '0x1'), { row: priced.row as TransactionRow });
    expect(sent.row).toMatchObject({ status: 'payment_submitted', final_minor: 8_973_000n });
    const done = decide(completeTransfer(row, '0x1', 5n), { row: sent.row as TransactionRow });
    expect(done.row).toMatchObject({ status: 'completed', final_minor: 8_973_000n, gas_fee_minor: 5n });
    const failed = decide(failTransfer(row, 'payment_submitted', { code: null, text: 'Refused' }), {
      row: sent.row as TransactionRow,
    });
    expect(failed.row).toMatchObject({ status: 'refunded', final_minor: null, exchange_rate: null });
  });

  it('is not priced once it has ended', () => {
    const ended = { ...row, status: 'refunded' } as const;
    expect(
      decide(fixConversion(row, convertAtRate(row.net_minor, 'usdc', 'usdt', at('1'))), { row: ended }),
    ).toEqual({ reason: 'not_due' });
  });
});

describe('a payout with an unknown outcome on NIP', () => {
  const submitted = payout(1_000_000n, {
    status: 'payment_submitted',
    destination_payment_rail: 'nip',
    destination_currency: 'ngn',
    final_minor: 1n,
  });

  it('stays submitted and is polled again, even without a rate', () => {
    const command = forceStatus(submitted, { returnCode: '96' }, { stepMs, conversion: undefined });
    const { journals, row } = decide(command, { row: submitted });
    expect(journals).toBeUndefined();
    expect(row).toEqual({ ...submitted, next_action_at: new Date(nowMs + stepMs).toISOString() });
  });
});

describe('the money of a payout', () => {
  const paths: [TransactionStatus[], string[]][] = [
    [['payment_submitted'], []],
    [['payment_submitted', 'payment_processed'], ['transfer_settle']],
    [
      ['payment_submitted', 'payment_processed', 'returned'],
      ['transfer_settle', 'transfer_return'],
    ],
    [
      ['payment_submitted', 'payment_processed', 'returned', 'refunded'],
      ['transfer_settle', 'transfer_return', 'transfer_release'],
    ],
    [['payment_submitted', 'returned', 'refunded'], ['transfer_release']],
    [['payment_submitted', 'failed', 'refunded'], ['transfer_release']],
    [['failed', 'refunded'], ['transfer_release']],
  ];

  it.each(paths)('moves once on the path %j', (path, journals) => {
    let row = payout(1_000_000n);
    const seen: string[] = [];
    for (const status of path) {
      const moved = decide(forceStatus(row, { status }, { stepMs, conversion: at('3600') }), { row });
      expect(moved.tables).toEqual(['transactions']);
      seen.push(...(moved.journals ?? []));
      row = moved.row as TransactionRow;
    }
    expect(seen).toEqual(journals);
    expect(JSON.parse(row.timeline).map(({ status }: { status: string }) => status)).toEqual([
      'funds_received',
      ...path,
    ]);
  });

  it('reopens a closed wallet when it is refunded to it, and changes no other wallet', () => {
    const row = payout(1_000_000n, { status: 'payment_processed', final_minor: 3492n });
    const command = forceStatus(row, { status: 'refunded' }, { stepMs, conversion: undefined });
    const reopened = decide(command, { row, wallet: wallet('closed') });
    expect(reopened.tables).toEqual(['transactions', 'wallets']);
    expect(reopened.events?.[0]).toBe('wallet.updated');
    expect(decide(command, { row, wallet: wallet('frozen') }).tables).toEqual(['transactions']);
  });
});

describe('what a command reads', () => {
  const body = {
    customerId: 'cus_01m8364btve20tvkaz126tzp00',
    walletId,
    amount: '1.00',
    destinationCurrency: 'usdc',
    destinationPaymentRail: 'solana',
    destinationAddress: 'x',
  };
  const terms: TransferTerms = {
    kind: 'chain',
    chain: 'solana',
    address: 'x',
    amountMinor: 1_000_000n,
    feeMinor: 3000n,
    currency: 'usdc',
    sentCurrency: 'usdc',
    mostMinor: 997_000n,
  };

  it('is four rows for a transfer on a chain', () => {
    const reads = createTransfer('env_a', body, terms, stepMs).reads(context);
    expect(reads.map(({ id, table }) => `${table} ${id}`)).toEqual([
      `customers ${body.customerId}`,
      `wallets ${walletId}`,
      `accounts ${walletAvailable(walletId, 'usdc').id}`,
      `accounts ${walletInTransit(walletId, 'usdc').id}`,
    ]);
  });

  it('is five rows for each further status on a chain', () => {
    const onChain = {
      payout_account_id: null,
      destination_payment_rail: 'solana',
      destination_currency: 'usdc',
    };
    const row = { ...payout(1n), ...onChain };
    for (const command of [
      advanceDueTransfer(row, { stepMs, conversion: undefined }),
      cancelTransfer(row, { stepMs, conversion: undefined }),
    ]) {
      expect(command.reads(context).map(({ table }) => table)).toEqual([
        'transactions',
        ...Array(4).fill('accounts'),
      ]);
    }
  });
});

describe('a command on a screened transfer', () => {
  const row = {
    ...payout(1n),
    payout_account_id: null,
    destination_payment_rail: 'solana',
    status: 'in_review',
  } as const;
  const command = screenTransfer(row, { verdict: 'review', reason: 'The amount exceeds 1.' });
  const stateWith = (rows: Record<string, unknown>): State => ({
    get: (table, id) => rows[`${table}/${id}`] as never,
    holdings: noHoldings,
  });
  const transactions = { [`transactions/${row.id}`]: row };

  it('decides by the state that it is given, whatever it has decided before', () => {
    const first = command.decide(stateWith(transactions), context);
    expect(first).toMatchObject({ result: 'in_review' });
    const screening = { verdict: 'review', decision: null };
    const screened = stateWith({ ...transactions, [`screenings/${row.id}`]: screening });
    expect(command.decide(screened, context)).toMatchObject({ refusal: { reason: 'not_due' } });
    expect(command.decide(stateWith(transactions), context)).toEqual(first);
  });

  it('declares that it reads the screening', () => {
    expect(command.reads(context)).toContainEqual({ table: 'screenings', bucket: row.bucket, id: row.id });
  });
});

describe('the default code of a return', () => {
  it.each(railNames)('is a code of %s with a known outcome', (rail) => {
    const code = usualReturnCode(rail);
    expect(findReturnCode(rail, code)?.reason).toMatch(/account/);
    expect(isUnknownOutcome(rail, code)).toBe(false);
    expect(returnCodesOf(rail).some((known) => isUnknownOutcome(rail, known.code))).toBe(false);
  });
});
