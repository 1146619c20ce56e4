/** What the message authentication code of a table's rows covers besides the table's name. */
export interface AuthenticatedTable {
  /** The primary key. */
  readonly key: readonly string[];
  /**
   * The fields, in the order in which they are authenticated. Sealed columns are not among them: a seal is bound to its row,
   * and is made again when the master key rotates. A new field must be added at the end and be null in existing rows:
   * trailing fields without a value are not part of the code.
   */
  readonly fields: readonly string[];
  /** An SQL condition for the rows `t` of environment `$1`; null for rows that belong to no environment. */
  readonly ofEnvironment: string | null;
}

const own = 't.environment_id = $1';
const byId = ['bucket', 'id'] as const;

/**
 * All tables whose rows grant access or direct money. Other tables hold sums that the hash chain proves (accounts), public facts
 * (positions, heights), or orders to repeat what was decided by an authenticated row (decision 0034).
 */
export const authenticatedTables = {
  organisations: {
    key: byId,
    fields: ['name', 'rate_limit', 'created_at'],
    ofEnvironment: `exists (select from environments e where e.bucket = t.bucket and e.organisation_id = t.id
      and e.current_id = $1)`,
  },
  environments: {
    key: byId,
    fields: ['organisation_id', 'kind', 'created_at', 'current_id', 'clock_offset_ms'],
    ofEnvironment: 't.current_id = $1',
  },
  api_keys: {
    key: byId,
    fields: ['environment_id', 'name', 'prefix', 'secret_hash', 'created_at', 'revoked_at'],
    ofEnvironment: `exists (select from environments e where e.bucket = t.bucket and e.id = t.environment_id
      and e.current_id = $1)`,
  },
  api_key_revocations: {
    key: byId,
    fields: ['environment_id', 'revoked_at'],
    ofEnvironment: `exists (select from environments e where e.bucket = t.bucket and e.id = t.environment_id
      and e.current_id = $1)`,
  },
  customers: {
    key: byId,
    fields: [
      'environment_id',
      'type',
      'status',
      'kyc_status',
      'tos_accepted_at',
      'created_at',
      'link_generation',
      'key_salt',
      'erased_at',
    ],
    ofEnvironment: own,
  },
  identity_cases: {
    key: byId,
    fields: [
      'environment_id',
      'customer_id',
      'status',
      'version',
      'submitted_at',
      'decided_at',
      'decided_by',
      'reasons',
      'created_at',
    ],
    ofEnvironment: own,
  },
  terms_acceptances: {
    key: byId,
    fields: ['environment_id', 'customer_id', 'version', 'text_sha256', 'accepted_at'],
    ofEnvironment: own,
  },
  counterparties: {
    key: byId,
    fields: ['environment_id', 'customer_id', 'account_type', 'currency', 'status', 'created_at'],
    ofEnvironment: own,
  },
  wallets: {
    key: byId,
    fields: ['environment_id', 'customer_id', 'status', 'derivation_index', 'created_at'],
    ofEnvironment: own,
  },
  deposit_addresses: {
    key: ['bucket', 'wallet_id', 'chain'],
    fields: ['address'],
    ofEnvironment: `exists (select from wallets w where w.bucket = t.bucket and w.id = t.wallet_id
      and w.environment_id = $1)`,
  },
  transactions: {
    key: byId,
    fields: [
      'environment_id',
      'customer_id',
      'wallet_id',
      'type',
      'status',
      'amount_minor',
      'source_currency',
      'destination_currency',
      'fee_minor',
      'net_minor',
      'source_payment_rail',
      'source_tx_hash',
      'destination_payment_rail',
      'created_at',
      'next_action_at',
      'destination_address',
      'payout_account_id',
      'virtual_account_id',
      'final_minor',
      'exchange_rate',
      'exchange_fee_minor',
      'destination_tx_hash',
      'trace_id',
      'gas_fee_minor',
      'return_code',
      'sandbox_outcome',
      'transfer_proof',
      'account_fee_minor',
    ],
    ofEnvironment: own,
  },
  chain_deposits: {
    key: byId,
    fields: [
      'environment_id',
      'wallet_id',
      'chain',
      'tx_hash',
      'height',
      'block_id',
      'currency',
      'amount_minor',
      'status',
      'transaction_id',
      'lost_minor',
    ],
    ofEnvironment: own,
  },
  screenings: {
    key: byId,
    fields: [
      'environment_id',
      'verdict',
      'reason',
      'created_at',
      'decision',
      'decision_reason',
      'decided_by',
      'decided_at',
    ],
    ofEnvironment: own,
  },
  internal_transfers: {
    key: byId,
    fields: [
      'environment_id',
      'receiver_environment_id',
      'receiver_wallet_id',
      'deposit_id',
      'chain',
      'currency',
      'amount_minor',
      'status',
      'created_at',
    ],
    ofEnvironment: own,
  },
  virtual_accounts: {
    key: byId,
    fields: [
      'environment_id',
      'customer_id',
      'wallet_id',
      'source_currency',
      'status',
      'account_key',
      'created_at',
    ],
    ofEnvironment: own,
  },
  webhooks: {
    key: byId,
    fields: [
      'environment_id',
      'url',
      'events',
      'status',
      'event_positions',
      'created_at',
      'deleted_at',
      'enabled_at',
      'disabled_at',
      'disabled_reason',
      'previous_secret_expires_at',
      'max_concurrency',
      'max_per_second',
      'created_by_key_id',
    ],
    ofEnvironment: own,
  },
  // The progress of a replay belongs to the worker.
  webhook_replays: {
    key: byId,
    fields: ['environment_id', 'webhook_id', 'created_at', 'event_ids', 'created_after', 'created_before'],
    ofEnvironment: own,
  },
  chain_payments: {
    key: ['id'],
    fields: [
      'chain',
      'kind',
      'sender',
      'sequence',
      'currency',
      'address',
      'wallet_index',
      'amount',
      'status',
      'tx_hash',
      'token',
    ],
    ofEnvironment: null,
  },
  chain_attempts: {
    key: ['payment_id', 'number'],
    fields: ['tx_hash', 'raw', 'terms'],
    ofEnvironment: null,
  },
  void_attempts: {
    key: ['payment_id', 'number'],
    fields: ['tx_hash', 'raw', 'terms'],
    ofEnvironment: null,
  },
  operator_actions: {
    key: byId,
    fields: [
      'environment_id',
      'chain',
      'kind',
      'subject',
      'number',
      'parameters',
      'reason',
      'requested_by',
      'status',
      'created_at',
      'result',
      'currency',
      'booked_minor',
    ],
    ofEnvironment: own,
  },
  chain_outflows: {
    key: ['chain', 'id'],
    fields: [
      'sender',
      'sequence',
      'tx_hash',
      'height',
      'currency',
      'address',
      'amount',
      'resolution',
      'reference',
      'reason',
      'resolved_by',
    ],
    ofEnvironment: null,
  },
  treasury_outflows: {
    key: byId,
    fields: [
      'environment_id',
      'chain',
      'tx_hash',
      'currency',
      'amount_minor',
      'address',
      'reason',
      'booked_by',
      'created_at',
    ],
    ofEnvironment: own,
  },
  chain_drafts: {
    key: ['payment_id', 'number'],
    fields: ['unsigned', 'terms'],
    ofEnvironment: null,
  },
  chain_holds: {
    key: ['id'],
    fields: [
      'chain',
      'kind',
      'detail',
      'opened_at',
      'opened_by',
      'figures',
      'released_at',
      'released_by',
      'release_reason',
    ],
    ofEnvironment: null,
  },
} as const satisfies Record<string, AuthenticatedTable>;

export type AuthenticatedTableName = keyof typeof authenticatedTables;

/** The table, if its rows are authenticated. */
export function authenticatedTable(name: string): AuthenticatedTableName | undefined {
  return Object.hasOwn(authenticatedTables, name) ? (name as AuthenticatedTableName) : undefined;
}

/** The columns of a table that its code covers, and the code, for a `select` in which `alias` is the table. */
export function authenticatedColumns(name: AuthenticatedTableName, alias = 't'): string {
  const { fields, key }: AuthenticatedTable = authenticatedTables[name];
  return [...key, ...fields, 'mac'].map((column) => `${alias}.${column}`).join(', ');
}
