import { authenticatedTables } from './authenticated-rows.ts';
import type { Table } from './tables/table.ts';
import { otherTables, type TableName, tables } from './tables.ts';

/** What the serving role may do with a table besides reading it. */
export interface TableGrant {
  readonly insert: boolean;
  /** Columns that it may change; none when empty. */
  readonly update: readonly string[];
  readonly delete: boolean;
}

type AnyTableName = TableName | keyof typeof otherTables;

/** Tables whose rows are deleted: by retention, or by the worker that has dealt with them. */
const deleted: ReadonlySet<AnyTableName> = new Set([
  'idempotency_keys',
  'batches',
  'identity_document_contents',
  'identity_document_chunks',
  'identity_uploads',
  'delivery_queue',
  'deliveries',
  'chain_blocks',
  'chain_leases',
  'chain_payments',
  'payment_waits',
  'chain_watches',
  'chain_drafts',
  'uncredited_deposits',
  'sweep_candidates',
] as const);

/**
 * Columns of the writer's tables that are changed outside the writer. Sealed values are sealed again when the master key
 * rotates, and overwritten when their customer is erased.
 */
const changedOutside: Readonly<Partial<Record<TableName, readonly string[]>>> = {
  webhook_replays: ['status', 'position', 'queued', 'completed_at'],
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

function grantOn(name: AnyTableName, { mutable }: Table<never>): TableGrant {
  // A row's code changes with its fields, and when the master key rotates.
  const mac = name in authenticatedTables ? ['mac'] : [];
  const outside = changedOutside[name as TableName] ?? [];
  return { insert: true, update: [...new Set([...mutable, ...outside, ...mac])], delete: deleted.has(name) };
}

/**
 * Everything that the serving role may do, by table: it reads each of them, inserts into those that the server writes, and
 * updates and deletes only what the code updates and deletes. It has no access to any other table.
 */
export const servingGrants: Readonly<Record<string, TableGrant>> = Object.fromEntries(
  Object.entries({ ...tables, ...otherTables })
    .map(([name, table]) => [name, grantOn(name as AnyTableName, table as unknown as Table<never>)])
    // Read to see whether the schema is up to date; only the owner writes it.
    .concat([['kysely_migration', { insert: false, update: [], delete: false }]]),
);

/** A privilege as the catalog names it: `INSERT` on a table, `UPDATE` on a column. */
export interface Privilege {
  readonly table: string;
  readonly column: string | null;
  readonly privilege: string;
}

/**
 * The privileges that `servingGrants` amounts to.
 *
 * @param columns the tables of the database, with their columns: an older schema lacks some
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

/** The statements that grant exactly these privileges and revoke all others. */
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
    // This revokes privileges on columns too.
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
