import { authenticatedTables } from './authenticated-rows.ts';
import { type TableName, tableNamed, tables } from './tables.ts';

/** What the serving role may do with a table beside reading it. */
export interface TableGrant {
  readonly insert: boolean;
  /** Columns that it may change; none when empty. */
  readonly update: readonly string[];
  readonly delete: boolean;
}

/** Tables of the writer from which rows are deleted: by the sweep. */
const writerTablesWithDelete: readonly TableName[] = ['idempotency_keys'];

/** Columns that change in tables of the writer by other hands than the writer's. */
const changedBeside: Readonly<Partial<Record<TableName, readonly string[]>>> = {
  webhook_replays: ['status', 'position', 'queued', 'completed_at'],
  // What is sealed is written anew when the master key changes, and overwritten when its customer is erased.
  customers: ['personal', 'email_index'],
  customer_erasures: ['scrubbed_at'],
  identity_cases: ['form'],
  terms_acceptances: ['evidence'],
  counterparties: ['account'],
  virtual_accounts: ['deposit_instructions', 'account_key'],
  transactions: ['sender_name'],
  webhooks: ['secret', 'previous_secrets'],
  events: ['data', 'previous_attributes'],
  idempotency_keys: ['body'],
};

const adding = (...update: string[]): TableGrant => ({ insert: true, update, delete: false });
const keeping = (...update: string[]): TableGrant => ({ insert: true, update, delete: true });

/** Tables that the writer does not write. */
const otherTables: Readonly<Record<string, TableGrant>> = {
  master_seeds: adding('sealed'),
  lane_heads: adding('lane_count', 'seq', 'batch_id'),
  batches: keeping(),
  public_urls: adding('url', 'updated_at'),
  identity_document_contents: keeping('content'),
  identity_document_chunks: keeping('content'),
  identity_uploads: keeping('expires_at'),
  fan_out_positions: adding('event_seq'),
  delivery_queue: keeping('attempt_number', 'next_attempt_at', 'claimed_until'),
  deliveries: keeping('response_body'),
  webhook_states: adding('failing_since', 'last_failure_at'),
  chain_cursors: adding(
    'scanned_height',
    'confirmed_height',
    'treasury',
    'lease_owner',
    'lease_expires_at',
    'updated_at',
  ),
  chain_statuses: adding('network', 'head_height', 'fault', 'nodes', 'checked_at'),
  chain_blocks: keeping('block_id'),
  uncredited_deposits: adding(),
  chain_sequences: adding('next_sequence'),
  chain_payments: keeping('status', 'tx_hash', 'height', 'fee_native', 'updated_at', 'mac'),
  chain_attempts: adding('mac'),
  sweep_candidates: keeping('height', 'checked_at'),
  signed_payments: adding('counted', 'signed_at'),
  daily_spending: adding('spent'),
  // Read to see whether the schema is up to date; written by the owner alone.
  kysely_migration: { insert: false, update: [], delete: false },
};

function writerGrant(name: TableName): TableGrant {
  return {
    insert: true,
    // A row's code changes with its fields, and when the master key does.
    update: [
      ...new Set([
        ...tableNamed(name).mutable,
        ...(changedBeside[name] ?? []),
        ...(name in authenticatedTables ? ['mac'] : []),
      ]),
    ],
    delete: writerTablesWithDelete.includes(name),
  };
}

/**
 * Everything that the role which serves may do, by table: it reads each of these, adds to it, and changes and deletes
 * only what the code changes and deletes. A table that is not here is closed to it.
 */
export const servingGrants: Readonly<Record<string, TableGrant>> = {
  ...Object.fromEntries((Object.keys(tables) as TableName[]).map((name) => [name, writerGrant(name)])),
  ...otherTables,
};

/** A privilege in the catalogue's words: `INSERT` on a table, `UPDATE` on a column of it. */
export interface Privilege {
  readonly table: string;
  readonly column: string | null;
  readonly privilege: string;
}

/**
 * The privileges that the grants come to.
 *
 * @param columns the tables that there are, with their columns: an older schema lacks some
 */
export function wantedPrivileges(columns: ReadonlyMap<string, ReadonlySet<string>>): Privilege[] {
  return Object.entries(servingGrants).flatMap(([table, grant]) => {
    const present = columns.get(table);
    if (!present) return [];
    const whole = ['SELECT', ...(grant.insert ? ['INSERT'] : []), ...(grant.delete ? ['DELETE'] : [])];
    return [
      ...whole.map((privilege) => ({ table, column: null, privilege })),
      ...grant.update
        .filter((column) => present.has(column))
        .map((column) => ({ table, column, privilege: 'UPDATE' })),
    ];
  });
}

/** The statements that give exactly these privileges, and take all others away. Names are of our own schema. */
export function grantStatements(
  role: string,
  database: string,
  existing: Iterable<string>,
  wanted: readonly Privilege[],
): string[] {
  const to = quoted(role);
  return [
    `revoke create, temporary on database ${quoted(database)} from public, ${to}`,
    `revoke create on schema public from public, ${to}`,
    `grant usage on schema public to ${to}`,
    // Takes the privileges on columns away too.
    ...[...existing].map((table) => `revoke all on ${quoted(table)} from public, ${to}`),
    ...wanted.map(
      ({ column, privilege, table }) =>
        `grant ${privilege}${column === null ? '' : ` (${quoted(column)})`} on ${quoted(table)} to ${to}`,
    ),
  ];
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
