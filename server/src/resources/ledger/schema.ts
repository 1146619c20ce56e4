import Type, { type Static } from 'typebox';
import { nullableText, oneOf, time } from '../../http/schema.ts';
import { compileSerialiser } from '../../http/serialise.ts';
import type { Verification } from '../../ledger/verify.ts';
import type { AccountKind, AccountRow, JournalRow, PostingRow } from '../../store/tables/ledger.ts';
import { printAmount } from '../fields.ts';

export const accountKinds = [
  'wallet_available',
  'wallet_pending',
  'wallet_in_transit',
  'custody',
  'bank',
  'suspense',
  'fee_revenue',
  'fx_position',
  'internal_transit',
  'chain_loss',
] as const satisfies readonly AccountKind[];

const count = Type.Integer({ minimum: 0 });

export const LedgerVerification = Type.Object({
  ok: Type.Boolean({ description: 'Whether the books agree with themselves' }),
  checked: Type.Object(
    {
      ...{ accounts: count, journals: count, postings: count, transactions: count, events: count },
      authenticatedRows: count,
    },
    { description: 'How many of each were looked at; rows that give rights or direct money together' },
  ),
  problems: Type.Array(
    Type.Object({
      kind: Type.String({ description: 'What does not hold, such as `account_mismatch` or `chain_broken`' }),
      id: Type.String({
        description: 'The account, journal, transaction, environment, currency or other row concerned',
      }),
      accountId: nullableText('The account concerned'),
      journalId: nullableText('The journal concerned'),
      message: Type.String(),
    }),
    { description: 'The first of each kind; none when `ok` is true' },
  ),
  trialBalance: Type.Array(
    Type.Object({
      currency: Type.String(),
      lines: Type.Array(
        Type.Object({
          kind: oneOf(accountKinds),
          accounts: count,
          debit: Type.String(),
          credit: Type.String(),
        }),
      ),
      debit: Type.String(),
      credit: Type.String(),
      difference: Type.String({ description: 'Debits less credits: nothing in sound books' }),
    }),
    { description: 'All accounts by currency and kind; each balance stands on the side that it lies on' },
  ),
  head: Type.Array(
    Type.Object({
      environmentId: Type.String(),
      lane: Type.Integer(),
      seq: Type.String(),
      hash: Type.String(),
    }),
    { description: 'Where the hash chain of each lane ends' },
  ),
});

const serialiseVerification = compileSerialiser<Static<typeof LedgerVerification>>(LedgerVerification);

/** The JSON text of a verification. */
export function verificationJson({ checked, head, ok, problems, trialBalance }: Verification): string {
  return serialiseVerification({
    ok,
    checked,
    problems: [...problems],
    trialBalance: trialBalance.map(({ lines, ...one }) => ({ ...one, lines: [...lines] })),
    head: [...head],
  });
}

const side = oneOf(['debit', 'credit']);

export const LedgerAccount = Type.Object({
  id: Type.String(),
  kind: oneOf(accountKinds),
  normalSide: oneOf(['debit', 'credit'], 'The side that raises its balance'),
  currency: Type.String(),
  walletId: Type.Optional(Type.String({ description: 'Whose money it is' })),
  chain: Type.Optional(Type.String({ description: 'Where the tokens lie' })),
  lane: Type.Optional(
    Type.Integer({ description: "Which part of the house's account it is: each lane has its own" }),
  ),
  balance: Type.String({ description: 'On its normal side; below zero when it lies on the other' }),
  postings: Type.String({ description: 'How many lines of journals have changed it' }),
  createdAt: time(),
  updatedAt: time('When it was last changed'),
});

const serialiseAccount = compileSerialiser<Static<typeof LedgerAccount>>(LedgerAccount);

/** The JSON text of an account. */
export function accountJson(row: AccountRow): string {
  return serialiseAccount({
    id: row.id,
    kind: row.kind,
    normalSide: row.normal_side,
    currency: row.currency,
    ...(row.wallet_id === null ? { lane: row.bucket } : { walletId: row.wallet_id }),
    ...(row.chain === null ? {} : { chain: row.chain }),
    balance: printAmount(row.balance_minor, row.currency),
    postings: row.version.toString(),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  });
}

export const LedgerJournal = Type.Object({
  id: Type.String(),
  kind: Type.String({ description: 'Why money moved, such as `deposit` or `transfer_reserve`' }),
  transactionId: Type.String({ description: 'The transaction that it is about' }),
  lane: Type.Integer({ description: 'The hash chain that it is in' }),
  seq: Type.String({ description: 'Its place in the chain' }),
  hash: Type.String({ description: 'SHA-256 over the hash before it and everything that it says' }),
  postings: Type.Array(
    Type.Object({
      line: Type.Integer(),
      accountId: Type.String(),
      accountVersion: Type.String({ description: 'How many lines the account had with this one' }),
      side,
      amount: Type.String(),
      currency: Type.String(),
      balanceAfter: Type.String({ description: "The account's balance after this line" }),
    }),
    { description: 'Its lines: debits and credits are equal in each currency' },
  ),
  createdAt: time(),
});

const serialiseJournal = compileSerialiser<Static<typeof LedgerJournal>>(LedgerJournal);

/** The JSON text of a journal with its lines. */
export function journalJson(row: JournalRow, postings: readonly PostingRow[]): string {
  return serialiseJournal({
    id: row.id,
    kind: row.kind,
    transactionId: row.transaction_id,
    lane: row.lane,
    seq: row.seq.toString(),
    hash: row.hash.toString('hex'),
    postings: postings.map((line) => ({
      line: line.line,
      accountId: line.account_id,
      accountVersion: line.account_version.toString(),
      side: line.amount_minor > 0n ? 'debit' : 'credit',
      amount: printAmount(line.amount_minor > 0n ? line.amount_minor : -line.amount_minor, line.currency),
      currency: line.currency,
      balanceAfter: printAmount(line.balance_after_minor, line.currency),
    })),
    createdAt: row.created_at,
  });
}
