import { genesisHash, hashJournal } from '../../server/src/ledger/journal.ts';
import { walletJson } from '../../server/src/resources/crypto-wallets/schema.ts';
import type { EventRow } from '../../server/src/store/tables/events.ts';
import type { IdempotencyKeyRow, JournalHeadRow } from '../../server/src/store/tables/lanes.ts';
import type { AccountRow, JournalRow, PostingRow } from '../../server/src/store/tables/ledger.ts';
import type { InternalTransferRow, TransactionRow } from '../../server/src/store/tables/transactions.ts';
import type { WalletRow } from '../../server/src/store/tables/wallets.ts';
import type { MemoryStore } from './memory-store.ts';

/** The response that a client has received. */
export interface Acknowledged {
  readonly key: string;
  readonly body: string;
}

/** The first invariant of the books that does not hold, by the name that `verify` uses if it has one. */
export function brokenInvariant(
  store: MemoryStore,
  acknowledged: ReadonlyMap<string, Acknowledged>,
): string | undefined {
  const rows = <Row>(table: Parameters<MemoryStore['rows']>[0]): Row[] =>
    store.rows(table) as unknown as Row[];
  const journals = rows<JournalRow>('journals');
  const events = rows<EventRow>('events');
  const heads = rows<JournalHeadRow>('journal_heads');
  const postings = grouped(rows<PostingRow>('postings'), (line) => line.journal_id);
  const accounts = new Map(rows<AccountRow>('accounts').map((row) => [row.id, row]));
  const transactions = rows<TransactionRow>('transactions');
  return (
    balances(journals, postings, accounts) ??
    hashChains(heads, journals, postings) ??
    explained(transactions, journals, postings, accounts) ??
    internalTransit(rows<InternalTransferRow>('internal_transfers'), transactions, accounts) ??
    eventsMatch(heads, events, transactions, rows<WalletRow>('wallets')) ??
    oneEffect(
      rows<IdempotencyKeyRow>('idempotency_keys'),
      transactions,
      new Set(rows<InternalTransferRow>('internal_transfers').map((row) => row.deposit_id)),
      acknowledged,
    )
  );
}

type Lines = ReadonlyMap<string, readonly PostingRow[]>;

function balances(
  journals: readonly JournalRow[],
  lines: Lines,
  accounts: ReadonlyMap<string, AccountRow>,
): string | undefined {
  const sums = new Map<string, { sum: bigint; count: bigint }>();
  const ids = new Set(journals.map(({ id }) => id));
  for (const [journalId, postings] of lines) {
    if (!ids.has(journalId)) return `posting_without_journal ${journalId}`;
    const byCurrency = new Map<string, bigint>();
    for (const { account_id, amount_minor, currency } of postings) {
      byCurrency.set(currency, (byCurrency.get(currency) ?? 0n) + amount_minor);
      const before = sums.get(account_id) ?? { sum: 0n, count: 0n };
      sums.set(account_id, { sum: before.sum + amount_minor, count: before.count + 1n });
      if (accounts.get(account_id)?.currency !== currency) return `posting_without_account ${account_id}`;
    }
    if ([...byCurrency.values()].some((sum) => sum !== 0n)) return `journal_unbalanced ${journalId}`;
  }
  const trial = new Map<string, bigint>();
  for (const account of accounts.values()) {
    const { sum, count } = sums.get(account.id) ?? { sum: 0n, count: 0n };
    const debits = account.normal_side === 'debit' ? account.balance_minor : -account.balance_minor;
    if (debits !== sum || account.version !== count) return `account_mismatch ${account.id}`;
    if (account.wallet_id !== null && account.balance_minor < 0n) return `wallet_negative ${account.id}`;
    trial.set(account.currency, (trial.get(account.currency) ?? 0n) + debits);
  }
  const unequal = [...trial].find(([, sum]) => sum !== 0n);
  return unequal && `trial_balance ${unequal[0]}`;
}

function hashChains(
  heads: readonly JournalHeadRow[],
  journals: readonly JournalRow[],
  lines: Lines,
): string | undefined {
  for (const head of heads) {
    let hash: Buffer = genesisHash;
    let seq = 0n;
    const own = journals.filter(
      (row) => row.lane === head.bucket && row.environment_id === head.environment_id,
    );
    for (const journal of own.sort((a, b) => Number(a.seq - b.seq))) {
      const content = [...(lines.get(journal.id) ?? [])].sort((a, b) => a.line - b.line);
      hash = hashJournal(hash, journal, content);
      seq += 1n;
      if (journal.seq !== seq || !hash.equals(journal.hash)) return `chain_broken ${journal.id}`;
    }
    if (head.journal_seq !== seq || !hash.equals(head.journal_hash))
      return `chain_broken lane ${head.bucket}`;
  }
  return undefined;
}

/** The journals of each status, as in `verify` (verify-checks.ts): an independent copy on purpose. */
const explaining: Readonly<Record<string, readonly string[]>> = {
  'deposit completed': ['deposit', 'deposit_restore'],
  'deposit failed': ['', 'deposit deposit_reversal', 'deposit_restore deposit_reversal'],
  'deposit returned': ['deposit_hold deposit_return'],
  'transfer in_review': ['transfer_reserve'],
  'transfer funds_received': ['transfer_reserve'],
  'transfer payment_submitted': ['transfer_reserve'],
  'transfer payment_processed': ['transfer_reserve transfer_settle'],
  'transfer completed': ['transfer_reserve transfer_settle'],
  'transfer failed': ['transfer_release transfer_reserve'],
  'transfer returned': ['transfer_reserve', 'transfer_reserve transfer_return transfer_settle'],
  'transfer refunded': [
    'transfer_release transfer_reserve',
    'transfer_release transfer_reserve transfer_return transfer_settle',
  ],
};

function explained(
  transactions: readonly TransactionRow[],
  journals: readonly JournalRow[],
  lines: Lines,
  accounts: ReadonlyMap<string, AccountRow>,
): string | undefined {
  const ids = new Set(transactions.map(({ id }) => id));
  const byTransaction = grouped(journals, (journal) => journal.transaction_id);
  for (const id of byTransaction.keys()) if (!ids.has(id)) return `journal_without_transaction ${id}`;
  for (const row of transactions) {
    const own = byTransaction.get(row.id) ?? [];
    const kinds = own.map(({ kind }) => kind).sort();
    if (!explaining[`${row.type} ${row.status}`]?.includes(kinds.join(' ')))
      return `transaction_unexplained ${row.id}`;
    let credited = 0n;
    for (const line of own.flatMap(({ id }) => lines.get(id) ?? []))
      if (accounts.get(line.account_id)?.kind === 'wallet_available') credited -= line.amount_minor;
    const isBack = row.status === 'failed' || row.status === 'refunded';
    const said = row.type === 'deposit' ? (row.final_minor ?? 0n) : isBack ? 0n : -row.amount_minor;
    if (credited !== said) return `transaction_unexplained ${row.id}`;
  }
  return undefined;
}

/** Every internal transfer has its deposit, once, or is in transit. */
function internalTransit(
  transfers: readonly InternalTransferRow[],
  transactions: readonly TransactionRow[],
  accounts: ReadonlyMap<string, AccountRow>,
): string | undefined {
  const byId = new Map(transactions.map((row) => [row.id, row]));
  const inTransit = new Map<string, bigint>();
  const add = (currency: string, amount: bigint): void =>
    void inTransit.set(currency, (inTransit.get(currency) ?? 0n) + amount);
  for (const row of transfers) {
    const [paid, deposit] = [byId.get(row.id), byId.get(row.deposit_id)];
    if (paid?.status !== 'completed' || paid.final_minor !== row.amount_minor)
      return `internal_transfer_unexplained ${row.id}`;
    if (
      deposit &&
      (deposit.wallet_id !== row.receiver_wallet_id || deposit.amount_minor !== row.amount_minor)
    )
      return `internal_transfer_unexplained ${row.id}`;
    if (!deposit && row.status !== 'open') return `internal_transfer_unexplained ${row.id}`;
    if (!deposit) add(row.currency, row.amount_minor);
  }
  for (const { balance_minor: balance, currency, kind } of accounts.values())
    if (kind === 'internal_transit') add(currency, -balance);
  const wrong = [...inTransit].find(([, amount]) => amount !== 0n);
  return wrong && `internal_transit_mismatch ${wrong[0]}`;
}

const ends = new Set(['payment_processed', 'completed', 'failed', 'returned', 'refunded']);

function eventsMatch(
  heads: readonly JournalHeadRow[],
  events: readonly EventRow[],
  transactions: readonly TransactionRow[],
  wallets: readonly WalletRow[],
): string | undefined {
  for (const head of heads) {
    const own = events.filter(
      (row) => row.lane === head.bucket && row.environment_id === head.environment_id,
    );
    const numbers = own.map(({ seq }) => seq).sort((a, b) => Number(a - b));
    if (BigInt(own.length) !== head.event_seq || numbers.some((seq, index) => seq !== BigInt(index + 1)))
      return `event_sequence lane ${head.bucket}`;
  }
  const byObject = grouped(events, (event) => event.object_id);
  for (const row of transactions) {
    const timeline = JSON.parse(row.timeline) as { status: string }[];
    const expected = timeline.flatMap(({ status }, index) => [
      `transaction.${index === 0 ? 'created' : 'updated'} ${status}`,
      ...(ends.has(status) ? [`transaction.completed ${status}`] : []),
    ]);
    const own = (byObject.get(row.id) ?? []).sort((a, b) => Number(a.seq - b.seq));
    const said = own.map(({ data, type }) => `${type} ${JSON.parse(data).status}`);
    if (said.join() !== expected.join()) return `event_mismatch ${row.id}`;
  }
  for (const row of wallets) {
    const own = (byObject.get(row.id) ?? []).sort((a, b) => Number(a.seq - b.seq));
    const created = own.filter(({ type }) => type === 'wallet.created').length;
    if (created !== 1 || own.at(-1)?.data !== walletJson(row)) return `event_mismatch ${row.id}`;
  }
  const known = new Set([...transactions, ...wallets].map(({ id }) => id));
  const stray = events.find(
    ({ object_id: id, type }) => /^(transaction|wallet)/.test(type) && !known.has(id),
  );
  return stray && `event_without_change ${stray.id}`;
}

function oneEffect(
  keys: readonly IdempotencyKeyRow[],
  transactions: readonly TransactionRow[],
  internalDeposits: ReadonlySet<string>,
  acknowledged: ReadonlyMap<string, Acknowledged>,
): string | undefined {
  const stored = new Map(keys.map((row) => [row.key, row]));
  for (const { body, key } of acknowledged.values())
    if (stored.get(key)?.body !== body) return `acknowledged_lost ${key}`;
  const ids = new Set(transactions.map(({ id }) => id));
  const made = keys.filter(({ route, status }) => status === 200 && route.startsWith('make'));
  for (const { body, key } of made)
    if (!ids.delete(JSON.parse(body).data.id)) return `key_without_effect ${key}`;
  // The deposit of an internal transfer has no request of its own.
  const [extra] = [...ids].filter((id) => !internalDeposits.has(id));
  return extra && `effect_without_key ${extra}`;
}

/** Rows by a key. */
function grouped<Row>(rows: readonly Row[], keyOf: (row: Row) => string): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const group = groups.get(keyOf(row));
    if (group) group.push(row);
    else groups.set(keyOf(row), [row]);
  }
  return groups;
}
