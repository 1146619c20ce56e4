import { hash } from 'node:crypto';
import { assert } from '../platform/errors.ts';
import type { JournalHeadRow } from '../store/tables/lanes.ts';
import type { AccountRow, JournalRow, PostingRow } from '../store/tables/ledger.ts';
import type { AccountRef } from './accounts.ts';

/** Why money moved. */
export type JournalKind =
  | 'deposit'
  | 'deposit_reversal'
  | 'deposit_restore'
  | 'deposit_hold'
  | 'deposit_return'
  | 'transfer_reserve'
  | 'transfer_settle'
  | 'transfer_return'
  | 'transfer_release'
  | 'treasury_outflow'
  | OperatorJournalKind;

/** What an operator's decision about an uncredited deposit moved. */
export type OperatorJournalKind =
  | 'operator_credit'
  | 'operator_exchange'
  | 'operator_hold'
  | 'operator_return'
  | 'operator_release'
  | 'operator_write_off';

/** One line to be posted. Debits are positive, credits negative. */
export interface PostingDraft {
  readonly account: AccountRef;
  readonly amountMinor: bigint;
}

/** A journal to be posted: its lines sum to zero in each currency. */
export interface JournalDraft {
  readonly kind: JournalKind;
  readonly transactionId: string;
  /** The bucket of the transaction, if it is not the command's. */
  readonly bucket?: number;
  readonly postings: readonly PostingDraft[];
}

/** What posting needs besides the draft. */
export interface PostingContext {
  readonly environmentId: string;
  readonly lane: number;
  readonly bucket: number;
  readonly now: string;
  newJournalId(bucket: number): string;
  /** The account, or undefined if it is not open yet. */
  readAccount(id: string): AccountRow | undefined;
}

/** Everything that posting a journal changes. */
export interface Posted {
  readonly journal: JournalRow;
  readonly postings: readonly PostingRow[];
  readonly accounts: readonly AccountRow[];
  readonly head: JournalHeadRow;
}

/** The hash before the first journal of a hash chain. */
export const genesisHash = Buffer.alloc(32);

/**
 * Posts a journal at the end of a hash chain: computes every balance and the next hash. Pure.
 *
 * @param head the end of the hash chain
 * @throws Error when a currency does not balance, an amount is zero, or a wallet would go below zero
 */
export function postJournal(draft: JournalDraft, head: JournalHeadRow, context: PostingContext): Posted {
  assertBalanced(draft);
  const journalId = context.newJournalId(context.bucket);
  const accounts = new Map<string, AccountRow>();
  const postings = draft.postings.map((line, index): PostingRow => {
    const account = applyLine(
      accounts.get(line.account.id) ?? context.readAccount(line.account.id),
      line,
      context,
    );
    accounts.set(account.id, account);
    return {
      bucket: context.bucket,
      journal_id: journalId,
      line: index + 1,
      account_bucket: account.bucket,
      account_id: account.id,
      account_version: account.version,
      currency: account.currency,
      amount_minor: line.amountMinor,
      balance_after_minor: account.balance_minor,
    };
  });
  const unhashed: Omit<JournalRow, 'hash'> = {
    bucket: context.bucket,
    id: journalId,
    environment_id: context.environmentId,
    lane: context.lane,
    seq: head.journal_seq + 1n,
    kind: draft.kind,
    transaction_id: draft.transactionId,
    created_at: context.now,
  };
  const journal = { ...unhashed, hash: hashJournal(head.journal_hash, unhashed, postings) };
  return {
    journal,
    postings,
    accounts: [...accounts.values()],
    head: { ...head, journal_seq: journal.seq, journal_hash: journal.hash },
  };
}

/**
 * The hash of a journal: SHA-256 over the hash of the journal before it and all fields of the journal (architecture §3).
 */
export function hashJournal(
  previous: Buffer,
  journal: Omit<JournalRow, 'hash'>,
  postings: readonly PostingRow[],
): Buffer {
  const content = [
    previous.toString('hex'),
    journal.id,
    journal.environment_id,
    journal.lane,
    journal.seq.toString(),
    journal.kind,
    journal.transaction_id,
    journal.created_at,
    ...postings.map((line) => [
      line.line,
      line.account_id,
      line.account_version.toString(),
      line.currency,
      line.amount_minor.toString(),
      line.balance_after_minor.toString(),
    ]),
  ];
  return hash('sha256', JSON.stringify(content), 'buffer') as Buffer;
}

function assertBalanced(draft: JournalDraft): void {
  assert(draft.postings.length >= 2, `a ${draft.kind} journal has at least two lines`);
  const sums = new Map<string, bigint>();
  for (const { account, amountMinor } of draft.postings) {
    assert(amountMinor !== 0n, `no line of a ${draft.kind} journal is zero`);
    sums.set(account.currency, (sums.get(account.currency) ?? 0n) + amountMinor);
  }
  for (const [currency, sum] of sums) assert(sum === 0n, `a ${draft.kind} journal balances in ${currency}`);
}

function applyLine(current: AccountRow | undefined, line: PostingDraft, context: PostingContext): AccountRow {
  const account = current ?? openAccount(line.account, context);
  const change = account.normal_side === 'debit' ? line.amountMinor : -line.amountMinor;
  const balance = account.balance_minor + change;
  assert(
    account.wallet_id === null || balance >= 0n,
    `the wallet account ${account.id} stays at or above zero`,
  );
  return { ...account, balance_minor: balance, version: account.version + 1n, updated_at: context.now };
}

function openAccount(ref: AccountRef, context: PostingContext): AccountRow {
  return {
    ...ref,
    environment_id: context.environmentId,
    balance_minor: 0n,
    version: 0n,
    created_at: context.now,
    updated_at: context.now,
  };
}
