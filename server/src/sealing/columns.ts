import { chunkContext } from '../identity/document-seal.ts';
import type { Vault } from '../platform/seal.ts';
import { sandboxDepositAccount } from '../simulator/bank/deposit-accounts.ts';
import type { AuthenticatedTableName } from '../store/authenticated-rows.ts';
import type { ColumnType } from '../store/tables/table.ts';

/** A row with a sealed value, as a rotation reads it. */
export type SealedRow = Readonly<Record<string, unknown>> & {
  readonly value: string;
  /** The customer whose value it is; null if it belongs to no customer. */
  readonly customer_id: string | null;
  readonly environment_id: string | null;
};

/** A column whose values are sealed. `test/api/rotation.test.ts` compares the list with the constraints of the database. */
export interface SealedColumn {
  readonly table: string;
  readonly column: string;
  /** The columns that identify a row, in the order of an index. */
  readonly key: Readonly<Record<string, ColumnType>>;
  /** The context that a value was sealed with. */
  context(row: SealedRow): string;
  /** SQL expressions for the environment and the customer of a row `t`. */
  readonly environment: string;
  readonly customer: string;
  readonly join?: string;
  /** A further column that `context` or `index` needs. */
  readonly also?: string;
  /** Values may be plain texts too. */
  readonly isMixed?: true;
  /** Values are large: a statement reads fewer of them. */
  readonly isLarge?: true;
  /** The customer whose value it is, from the content, if the row does not name it. */
  customerIn?(opened: string): string | null;
  /** A fingerprint of the sealed value in the same row. */
  readonly index?: {
    readonly column: string;
    /** The table, if the code of its rows covers the fingerprint. */
    readonly codedBy?: AuthenticatedTableName;
    of(opened: string, row: SealedRow, vault: Vault): string;
  };
}

const byId = { bucket: 'int2', id: 'text' } as const;
const named =
  (name: string) =>
  ({ id }: SealedRow): string =>
    `${name}:${id}`;

function column(
  table: string,
  name: string,
  more: Partial<SealedColumn> & { readonly customer: string },
): SealedColumn {
  return {
    table,
    column: name,
    key: byId,
    environment: 't.environment_id',
    context: named(`${table}.${name}`),
    ...more,
  };
}

const none = 'null::text';

/** Every column whose values are sealed. */
export const sealedColumns: readonly SealedColumn[] = [
  column('master_seeds', 'sealed', {
    key: { id: 'int2' },
    context: () => 'custody.seed',
    environment: none,
    customer: none,
  }),
  column('customers', 'personal', {
    customer: 't.id',
    index: {
      column: 'email_index',
      of: (opened, _row, vault) => {
        const { email } = JSON.parse(opened) as { email: string };
        return vault.fingerprint(email.toLowerCase(), 'customers.email');
      },
    },
  }),
  column('identity_cases', 'form', { customer: 't.customer_id' }),
  column('identity_document_contents', 'content', {
    environment: 'd.environment_id',
    customer: 'd.customer_id',
    join: 'left join identity_documents d on d.bucket = t.bucket and d.id = t.id',
    isLarge: true,
  }),
  column('identity_document_chunks', 'content', {
    key: { ...byId, number: 'int4' },
    context: ({ id, is_last, number }) => chunkContext(id as string, number as number, is_last as boolean),
    environment: 'd.environment_id',
    customer: 'd.customer_id',
    join: 'left join identity_documents d on d.bucket = t.bucket and d.id = t.id',
    also: 't.is_last',
    isLarge: true,
  }),
  column('terms_acceptances', 'evidence', { customer: 't.customer_id' }),
  column('counterparties', 'account', { customer: 't.customer_id' }),
  column('virtual_accounts', 'deposit_instructions', {
    customer: 't.customer_id',
    also: 't.source_currency',
    index: {
      column: 'account_key',
      codedBy: 'virtual_accounts',
      of: (_opened, { id, source_currency }, vault) => {
        const { accountKey } = sandboxDepositAccount(source_currency as 'usd', id as string, '');
        return vault.fingerprint(accountKey, 'virtual_accounts.account_key');
      },
    },
  }),
  column('transactions', 'sender_name', { customer: 't.customer_id' }),
  column('webhooks', 'secret', { customer: none }),
  column('webhooks', 'previous_secrets', { customer: none }),
  column('deliveries', 'response_body', { customer: none }),
  column('events', 'data', { customer: 't.customer_id', isMixed: true }),
  column('events', 'previous_attributes', { customer: 't.customer_id', isMixed: true }),
  column('idempotency_keys', 'body', {
    key: { environment_id: 'text', key: 'text' },
    context: ({ environment_id, key }) => `idempotency_keys.body:${environment_id}\n${key}`,
    customer: none,
    isMixed: true,
    customerIn: customerOfAnswer,
  }),
];

/** The id of the customer that a response of the API is about. */
function customerOfAnswer(body: string): string | null {
  const { data } = JSON.parse(body) as { data?: { id?: unknown; customerId?: unknown } };
  const ids = [data?.customerId, data?.id];
  return (ids.find((id) => typeof id === 'string' && id.startsWith('cus_')) as string | undefined) ?? null;
}
