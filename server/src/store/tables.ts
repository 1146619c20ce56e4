import type * as rows from './rows.ts';

/** PostgreSQL types that columns have. */
export type ColumnType = 'bool' | 'bytea' | 'int2' | 'int4' | 'int8' | 'json' | 'text' | 'timestamptz';

/** What the set-based statements need to know of a table. */
export interface Table<Row> {
  readonly name: string;
  readonly columns: Readonly<Record<keyof Row & string, ColumnType>>;
  /** Columns that may change after the insert; none for tables that are only added to. */
  readonly mutable: readonly (keyof Row & string)[];
  /** The column that, after the bucket, names a row. */
  readonly key: keyof Row & string;
}

function table<Row>(
  name: string,
  columns: Readonly<Record<keyof Row & string, ColumnType>>,
  mutable: readonly (keyof Row & string)[] = [],
  key: keyof Row & string = 'id' as keyof Row & string,
): Table<Row> {
  return { name, columns, mutable, key };
}

/** The tables that the writer writes. */
export const tables = {
  organisations: table<rows.OrganisationRow>(
    'organisations',
    {
      bucket: 'int2',
      id: 'text',
      name: 'text',
      rate_limit: 'text',
      created_at: 'timestamptz',
    },
    ['rate_limit'],
  ),
  environments: table<rows.EnvironmentRow>(
    'environments',
    {
      bucket: 'int2',
      id: 'text',
      organisation_id: 'text',
      kind: 'text',
      created_at: 'timestamptz',
      current_id: 'text',
      clock_offset_ms: 'int8',
    },
    ['current_id', 'clock_offset_ms'],
  ),
  api_keys: table<rows.ApiKeyRow>(
    'api_keys',
    {
      bucket: 'int2',
      id: 'text',
      environment_id: 'text',
      name: 'text',
      prefix: 'text',
      secret_hash: 'bytea',
      created_at: 'timestamptz',
      revoked_at: 'timestamptz',
    },
    ['revoked_at'],
  ),
  chain_heads: table<rows.ChainHeadRow>(
    'chain_heads',
    {
      bucket: 'int2',
      environment_id: 'text',
      journal_seq: 'int8',
      journal_hash: 'bytea',
      event_seq: 'int8',
    },
    ['journal_seq', 'journal_hash', 'event_seq'],
    'environment_id',
  ),
  derivation_counters: table<rows.DerivationCounterRow>(
    'derivation_counters',
    {
      bucket: 'int2',
      id: 'text',
      next_counter: 'int8',
    },
    ['next_counter'],
  ),
  idempotency_keys: table<rows.IdempotencyKeyRow>('idempotency_keys', {
    bucket: 'int2',
    environment_id: 'text',
    key: 'text',
    route: 'text',
    request_hash: 'bytea',
    status: 'int2',
    body: 'text',
    created_at: 'timestamptz',
  }),
  customers: table<rows.CustomerRow>(
    'customers',
    {
      bucket: 'int2',
      id: 'text',
      environment_id: 'text',
      type: 'text',
      status: 'text',
      kyc_status: 'text',
      personal: 'text',
      email_index: 'text',
      external_id: 'text',
      metadata: 'json',
      kyc_rejection_reasons: 'json',
      tos_accepted_at: 'timestamptz',
      created_at: 'timestamptz',
      updated_at: 'timestamptz',
      key_salt: 'bytea',
      erased_at: 'timestamptz',
    },
    [
      'status',
      'kyc_status',
      'personal',
      'email_index',
      'external_id',
      'metadata',
      'kyc_rejection_reasons',
      'tos_accepted_at',
      'updated_at',
      'key_salt',
      'erased_at',
    ],
  ),
  customer_erasures: table<rows.CustomerErasureRow>('customer_erasures', {
    bucket: 'int2',
    id: 'text',
    environment_id: 'text',
    erased_by: 'text',
    reason: 'text',
    forced: 'bool',
    retained_until: 'timestamptz',
    erased_at: 'timestamptz',
    scrubbed_at: 'timestamptz',
  }),
  identity_cases: table<rows.IdentityCaseRow>(
    'identity_cases',
    {
      bucket: 'int2',
      id: 'text',
      environment_id: 'text',
      customer_id: 'text',
      status: 'text',
      form: 'text',
      version: 'int4',
      submitted_at: 'timestamptz',
      decided_at: 'timestamptz',
      decided_by: 'text',
      reasons: 'json',
      created_at: 'timestamptz',
      updated_at: 'timestamptz',
    },
    ['status', 'form', 'version', 'submitted_at', 'decided_at', 'decided_by', 'reasons', 'updated_at'],
  ),
  identity_documents: table<rows.IdentityDocumentRow>(
    'identity_documents',
    {
      bucket: 'int2',
      id: 'text',
      environment_id: 'text',
      customer_id: 'text',
      case_id: 'text',
      kind: 'text',
      content_type: 'text',
      byte_size: 'int4',
      sha256: 'bytea',
      created_at: 'timestamptz',
      removed_at: 'timestamptz',
    },
    ['removed_at'],
  ),
  terms_acceptances: table<rows.TermsAcceptanceRow>('terms_acceptances', {
    bucket: 'int2',
    id: 'text',
    environment_id: 'text',
    customer_id: 'text',
    version: 'text',
    text_sha256: 'bytea',
    evidence: 'text',
    accepted_at: 'timestamptz',
  }),
  wallets: table<rows.WalletRow>(
    'wallets',
    {
      bucket: 'int2',
      id: 'text',
      environment_id: 'text',
      customer_id: 'text',
      status: 'text',
      derivation_index: 'int8',
      created_at: 'timestamptz',
      updated_at: 'timestamptz',
    },
    ['status', 'updated_at'],
  ),
  deposit_addresses: table<rows.DepositAddressRow>('deposit_addresses', {
    bucket: 'int2',
    wallet_id: 'text',
    chain: 'text',
    address: 'text',
  }),
  counterparties: table<rows.CounterpartyRow>(
    'counterparties',
    {
      bucket: 'int2',
      id: 'text',
      environment_id: 'text',
      customer_id: 'text',
      account_type: 'text',
      currency: 'text',
      status: 'text',
      account: 'text',
      created_at: 'timestamptz',
      updated_at: 'timestamptz',
    },
    ['status', 'updated_at'],
  ),
  transactions: table<rows.TransactionRow>(
    'transactions',
    {
      bucket: 'int2',
      id: 'text',
      environment_id: 'text',
      customer_id: 'text',
      wallet_id: 'text',
      type: 'text',
      status: 'text',
      amount_minor: 'int8',
      source_currency: 'text',
      destination_currency: 'text',
      fee_minor: 'int8',
      net_minor: 'int8',
      source_payment_rail: 'text',
      source_tx_hash: 'text',
      destination_payment_rail: 'text',
      destination_address: 'text',
      destination_tx_hash: 'text',
      final_minor: 'int8',
      gas_fee_minor: 'int8',
      exchange_fee_minor: 'int8',
      exchange_rate: 'text',
      reference: 'text',
      client_reference_id: 'text',
      metadata: 'json',
      timeline: 'json',
      next_action_at: 'timestamptz',
      created_at: 'timestamptz',
      updated_at: 'timestamptz',
      virtual_account_id: 'text',
      sender_name: 'text',
      payout_account_id: 'text',
      trace_id: 'text',
      return_code: 'text',
      return_reason: 'text',
      estimated_arrival_at: 'timestamptz',
      sandbox_outcome: 'text',
    },
    [
      'status',
      'destination_tx_hash',
      'final_minor',
      'gas_fee_minor',
      'exchange_fee_minor',
      'exchange_rate',
      'timeline',
      'next_action_at',
      'updated_at',
      'trace_id',
      'return_code',
      'return_reason',
      'estimated_arrival_at',
      'sandbox_outcome',
    ],
  ),
  chain_deposits: table<rows.ChainDepositRow>(
    'chain_deposits',
    {
      bucket: 'int2',
      id: 'text',
      environment_id: 'text',
      wallet_id: 'text',
      chain: 'text',
      tx_hash: 'text',
      height: 'int8',
      block_id: 'text',
      currency: 'text',
      amount_minor: 'int8',
      status: 'text',
      transaction_id: 'text',
      created_at: 'timestamptz',
      updated_at: 'timestamptz',
    },
    ['height', 'block_id', 'amount_minor', 'status', 'transaction_id', 'updated_at'],
  ),
  screenings: table<rows.ScreeningRow>(
    'screenings',
    {
      bucket: 'int2',
      id: 'text',
      environment_id: 'text',
      verdict: 'text',
      reason: 'text',
      decision: 'text',
      decision_reason: 'text',
      decided_by: 'text',
      decided_at: 'timestamptz',
      created_at: 'timestamptz',
    },
    ['decision', 'decision_reason', 'decided_by', 'decided_at'],
  ),
  virtual_accounts: table<rows.VirtualAccountRow>(
    'virtual_accounts',
    {
      bucket: 'int2',
      id: 'text',
      environment_id: 'text',
      customer_id: 'text',
      wallet_id: 'text',
      source_currency: 'text',
      status: 'text',
      deposit_instructions: 'text',
      account_key: 'text',
      created_at: 'timestamptz',
      updated_at: 'timestamptz',
    },
    ['status', 'updated_at'],
  ),
  accounts: table<rows.AccountRow>(
    'accounts',
    {
      bucket: 'int2',
      id: 'text',
      environment_id: 'text',
      kind: 'text',
      normal_side: 'text',
      currency: 'text',
      wallet_id: 'text',
      chain: 'text',
      balance_minor: 'int8',
      version: 'int8',
      created_at: 'timestamptz',
      updated_at: 'timestamptz',
    },
    ['balance_minor', 'version', 'updated_at'],
  ),
  journals: table<rows.JournalRow>('journals', {
    bucket: 'int2',
    id: 'text',
    environment_id: 'text',
    lane: 'int2',
    seq: 'int8',
    kind: 'text',
    transaction_id: 'text',
    hash: 'bytea',
    created_at: 'timestamptz',
  }),
  postings: table<rows.PostingRow>('postings', {
    bucket: 'int2',
    journal_id: 'text',
    line: 'int2',
    account_bucket: 'int2',
    account_id: 'text',
    account_version: 'int8',
    currency: 'text',
    amount_minor: 'int8',
    balance_after_minor: 'int8',
  }),
  events: table<rows.EventRow>('events', {
    bucket: 'int2',
    id: 'text',
    environment_id: 'text',
    lane: 'int2',
    seq: 'int8',
    type: 'text',
    object_id: 'text',
    customer_id: 'text',
    data: 'text',
    previous_attributes: 'text',
    created_at: 'timestamptz',
  }),
  webhooks: table<rows.WebhookRow>(
    'webhooks',
    {
      bucket: 'int2',
      id: 'text',
      environment_id: 'text',
      url: 'text',
      events: 'json',
      description: 'text',
      status: 'text',
      secret: 'text',
      deleted_at: 'timestamptz',
      created_at: 'timestamptz',
      updated_at: 'timestamptz',
      previous_secrets: 'text',
      previous_secret_expires_at: 'timestamptz',
      enabled_at: 'timestamptz',
      disabled_at: 'timestamptz',
      disabled_reason: 'text',
      max_concurrency: 'int2',
      max_per_second: 'int2',
      event_positions: 'json',
    },
    [
      'url',
      'events',
      'description',
      'status',
      'secret',
      'deleted_at',
      'updated_at',
      'previous_secrets',
      'previous_secret_expires_at',
      'enabled_at',
      'disabled_at',
      'disabled_reason',
      'max_concurrency',
      'max_per_second',
    ],
  ),
  webhook_counters: table<rows.WebhookCounterRow>(
    'webhook_counters',
    { bucket: 'int2', id: 'text', created: 'int8' },
    ['created'],
  ),
  webhook_replays: table<rows.WebhookReplayRow>('webhook_replays', {
    bucket: 'int2',
    id: 'text',
    environment_id: 'text',
    webhook_id: 'text',
    event_ids: 'json',
    created_after: 'timestamptz',
    created_before: 'timestamptz',
    status: 'text',
    position: 'text',
    queued: 'int4',
    created_at: 'timestamptz',
    completed_at: 'timestamptz',
  }),
} as const;

export type TableName = keyof typeof tables;

/** The row type of a table. */
export type RowOf<Name extends TableName> = (typeof tables)[Name] extends Table<infer Row> ? Row : never;

/** Tables whose rows a command can read and change. */
export type KeyedTableName = {
  [Name in TableName]: RowOf<Name> extends { bucket: number; id: string } ? Name : never;
}[TableName];

/** Any row, where the code does not care which table it is of. */
export type AnyRow = Readonly<Record<string, unknown>>;

/** A table by its name, where the code does not care which one it is. */
export function tableNamed(name: TableName): Table<AnyRow> {
  return tables[name] as unknown as Table<AnyRow>;
}

/** Tables whose rows hold what is sealed with their customer's key, each with the column that names the customer. */
const customerColumns: Partial<Record<TableName, string>> = {
  customers: 'id',
  identity_cases: 'customer_id',
  counterparties: 'customer_id',
  virtual_accounts: 'customer_id',
};

/** The customer whose key opens a row of this table; undefined when it holds nothing of a customer. */
export function customerOf(table: TableName, row: AnyRow): string | undefined {
  const column = customerColumns[table];
  return column === undefined ? undefined : (row[column] as string);
}
