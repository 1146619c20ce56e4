import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { convertAmount, formatAmount, multiplyRatio, parseAmount, parseRatio } from '../platform/money.ts';
import type { AccountRow, ChainHeadRow } from '../store/rows.ts';
import { convertedDepositFlow, depositFlow, reserveTransferFlow, settleTransferFlow } from './flows.ts';
import { genesisHash, type JournalDraft, postJournal } from './journal.ts';

const stripe = { environmentId: 'env_1', lane: 0 };
const walletId = 'wal_01m8364btve20tvkaz126tzp00';
const minor = (text: string): bigint => {
  const parsed = parseAmount(text, 6);
  if (!parsed.ok) throw new Error(text);
  return parsed.minor;
};

/** The lines of the table under `<!-- flow: name -->`. */
function linesOf(recipe: string, flow: string): string[][] {
  const text = readFileSync(new URL(`../../../docs/recipes/${recipe}.md`, import.meta.url), 'utf8');
  const table = text.split(`<!-- flow: ${flow} -->\n`)[1]?.split('\n\n')[0] ?? '';
  const rows = table.trim().split('\n').slice(2);
  return rows.map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

/** Books that journals are posted to, and that tell each journal as a recipe's table does. */
function createBooks() {
  const accounts = new Map<string, AccountRow>();
  let head: ChainHeadRow = {
    bucket: 0,
    environment_id: 'env_1',
    journal_seq: 0n,
    journal_hash: genesisHash,
    event_seq: 0n,
  };
  return (draft: JournalDraft): string[][] => {
    const posted = postJournal(draft, head, {
      ...stripe,
      bucket: 0,
      now: '2026-01-15T11:00:00.000Z',
      newJournalId: () => `jrn_${head.journal_seq}`,
      readAccount: (id) => accounts.get(id),
    });
    head = posted.head;
    for (const account of posted.accounts) accounts.set(account.id, account);
    return posted.postings.map((line) => {
      const account = accounts.get(line.account_id) as AccountRow;
      const name = account.kind.startsWith('wallet_')
        ? account.kind.replace('_', ' ')
        : [account.kind, account.chain].filter(Boolean).join(' ');
      const amount = line.amount_minor;
      return [
        `${name} ${account.currency}`,
        amount > 0n ? formatAmount(amount, 6) : '',
        amount < 0n ? formatAmount(-amount, 6) : '',
        formatAmount(line.balance_after_minor, 6),
      ];
    });
  };
}

describe('the recipes say what the flows do', () => {
  it('a crypto deposit, then an on-chain transfer', () => {
    const post = createBooks();
    const amountMinor = minor('14.40');
    const deposit = { transactionId: 'txn_1', walletId, chain: 'solana', currency: 'usdc', amountMinor };
    expect(post(depositFlow(stripe, deposit))).toEqual(linesOf('crypto-deposit', 'deposit'));
    const sent = minor('10.00');
    const feeMinor = multiplyRatio(sent, parseRatio('0.003'), 'up');
    const transfer = { transactionId: 'txn_2', walletId, currency: 'usdc', amountMinor: sent, feeMinor };
    expect(post(reserveTransferFlow(transfer))).toEqual(linesOf('on-chain-transfer', 'reserve'));
    expect(post(settleTransferFlow(stripe, 'solana', transfer))).toEqual(
      linesOf('on-chain-transfer', 'settle'),
    );
  });

  it('a USDT deposit with conversion', () => {
    const post = createBooks();
    const sourceMinor = minor('14.40');
    const flow = convertedDepositFlow(stripe, {
      transactionId: 'txn_1',
      walletId,
      chain: 'tron',
      sourceCurrency: 'usdt',
      sourceMinor,
      creditedCurrency: 'usdc',
      creditedMinor: convertAmount(sourceMinor, 6, 6, parseRatio('0.9985'), 'down'),
    });
    expect(post(flow)).toEqual(linesOf('usdt-deposit-with-conversion', 'converted deposit'));
  });
});
