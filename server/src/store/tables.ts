import { apiKeyRevocations, apiKeys, environments, organisations } from './tables/access.ts';
import {
  chainAttempts,
  chainBlocks,
  chainCursors,
  chainDeposits,
  chainDrafts,
  chainHolds,
  chainLeases,
  chainOutflows,
  chainPayments,
  chainReorganisations,
  chainRescans,
  chainSequences,
  chainStatuses,
  chainWatches,
  dailySpending,
  operatorActions,
  paymentWaits,
  signedPayments,
  signerRecords,
  sweepCandidates,
  treasuryOutflows,
  uncreditedDeposits,
  voidAttempts,
} from './tables/chains.ts';
import {
  counterparties,
  customerErasures,
  customers,
  identityCases,
  identityDocumentChunks,
  identityDocumentContents,
  identityDocuments,
  identityUploads,
  termsAcceptances,
} from './tables/customers.ts';
import { masterSeeds, publicUrls } from './tables/deployment.ts';
import { events } from './tables/events.ts';
import { batches, derivationCounters, idempotencyKeys, journalHeads, laneHeads } from './tables/lanes.ts';
import { accounts, journals, postings } from './tables/ledger.ts';
import type { RowIn, Table } from './tables/table.ts';
import { internalTransfers, screenings, transactions } from './tables/transactions.ts';
import { depositAddresses, virtualAccounts, wallets } from './tables/wallets.ts';
import {
  deliveries,
  deliveryQueue,
  fanOutPositions,
  webhookCounters,
  webhookReplays,
  webhookStates,
  webhooks,
} from './tables/webhooks.ts';

/** The tables that the writer writes. */
export const tables = {
  organisations,
  environments,
  api_keys: apiKeys,
  api_key_revocations: apiKeyRevocations,
  journal_heads: journalHeads,
  derivation_counters: derivationCounters,
  idempotency_keys: idempotencyKeys,
  customers,
  customer_erasures: customerErasures,
  identity_cases: identityCases,
  identity_documents: identityDocuments,
  terms_acceptances: termsAcceptances,
  wallets,
  deposit_addresses: depositAddresses,
  counterparties,
  transactions,
  chain_deposits: chainDeposits,
  treasury_outflows: treasuryOutflows,
  screenings,
  operator_actions: operatorActions,
  internal_transfers: internalTransfers,
  virtual_accounts: virtualAccounts,
  accounts,
  journals,
  postings,
  events,
  webhooks,
  webhook_counters: webhookCounters,
  webhook_replays: webhookReplays,
} as const;

/** The tables that are written outside the writer: by the lanes for their own state, by workers, and at the start. */
export const otherTables = {
  master_seeds: masterSeeds,
  public_urls: publicUrls,
  lane_heads: laneHeads,
  batches,
  identity_document_contents: identityDocumentContents,
  identity_document_chunks: identityDocumentChunks,
  identity_uploads: identityUploads,
  fan_out_positions: fanOutPositions,
  delivery_queue: deliveryQueue,
  deliveries,
  webhook_states: webhookStates,
  chain_cursors: chainCursors,
  chain_leases: chainLeases,
  chain_statuses: chainStatuses,
  chain_blocks: chainBlocks,
  chain_reorganisations: chainReorganisations,
  chain_rescans: chainRescans,
  uncredited_deposits: uncreditedDeposits,
  chain_sequences: chainSequences,
  chain_payments: chainPayments,
  chain_attempts: chainAttempts,
  void_attempts: voidAttempts,
  payment_waits: paymentWaits,
  chain_drafts: chainDrafts,
  chain_holds: chainHolds,
  chain_outflows: chainOutflows,
  chain_watches: chainWatches,
  sweep_candidates: sweepCandidates,
  signed_payments: signedPayments,
  signer_records: signerRecords,
  daily_spending: dailySpending,
} as const;

type AllTables = typeof tables & typeof otherTables;

/** The row type of each table of the database. */
export type Database = { [Name in keyof AllTables]: RowIn<AllTables[Name]> };

export type TableName = keyof typeof tables;

/** The row type of a table that the writer writes. */
export type RowOf<Name extends TableName> = Database[Name];

/** Tables whose rows a command can read and change. */
export type KeyedTableName = {
  [Name in TableName]: RowOf<Name> extends { bucket: number; id: string } ? Name : never;
}[TableName];

/** A row of any table, for code that treats all tables alike. */
export type AnyRow = Readonly<Record<string, unknown>>;

/** The table by its name, for code that treats all tables alike. */
export function tableNamed(name: TableName): Table<AnyRow> {
  return tables[name] as unknown as Table<AnyRow>;
}

/** The tables with values that a customer's key seals, and the column that holds the customer's id. */
const customerColumns: Partial<Record<TableName, string>> = {
  customers: 'id',
  identity_cases: 'customer_id',
  counterparties: 'customer_id',
  virtual_accounts: 'customer_id',
};

/** The id of the customer whose key seals values of the row; undefined for a table without such values. */
export function customerOf(table: TableName, row: AnyRow): string | undefined {
  const column = customerColumns[table];
  return column === undefined ? undefined : (row[column] as string);
}
