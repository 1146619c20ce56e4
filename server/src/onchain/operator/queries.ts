import type { SignedAttempt } from '../../chains/port.ts';
import type { Chain } from '../../chains/registry.ts';
import { limits } from '../../platform/limits.ts';
import { authenticatedColumns } from '../../store/authenticated-rows.ts';
import type { Pool } from '../../store/pool.ts';
import type { EnvironmentRow } from '../../store/tables/access.ts';
import type { ChainPaymentRow, OperatorActionRow } from '../../store/tables/chains.ts';

type ActionRow = OperatorActionRow & Record<string, unknown>;

const columns = `${authenticatedColumns('operator_actions')}, t.updated_at`;

/** Lists the actions of a chain that have not ended, the oldest first, without rows that are not authentic. */
export function listOpenActions(pool: Pool, chain: Chain): Promise<OperatorActionRow[]> {
  return selectActions(
    pool,
    `where t.chain = $1 and t.status in ('requested', 'accepted') order by t.created_at, t.id limit $2`,
    [chain, limits.openActions],
  );
}

/** The payments of a chain that are being cancelled: only the order decides about them. */
export async function listCancelling(pool: Pool, chain: Chain): Promise<ReadonlySet<string>> {
  const open = await listOpenActions(pool, chain);
  const cancelling = open.filter(({ kind, status }) => kind === 'payment_cancel' && status === 'accepted');
  return new Set(cancelling.map(({ subject }) => subject));
}

/** Lists the actions about a subject in their order. */
export function listActionsOf(pool: Pool, subject: string): Promise<OperatorActionRow[]> {
  return selectActions(pool, 'where t.subject = $1 order by t.number limit $2', [
    subject,
    limits.actionsPerSubject,
  ]);
}

/** Finds an action by its id. */
export async function findAction(pool: Pool, id: string): Promise<OperatorActionRow | undefined> {
  const [found] = await selectActions(pool, 'where t.id = $1', [id]);
  return found;
}

async function selectActions(
  pool: Pool,
  rest: string,
  values: readonly unknown[],
): Promise<OperatorActionRow[]> {
  const { rows } = await pool.query<ActionRow>(`select ${columns} from operator_actions t ${rest}`, [
    ...values,
  ]);
  return rows.filter((row) => pool.guard.admits('operator_actions', row));
}

/** A payment in any status. */
export type PaymentRecord = Pick<
  ChainPaymentRow,
  | 'chain'
  | 'id'
  | 'kind'
  | 'sender'
  | 'sequence'
  | 'currency'
  | 'address'
  | 'wallet_index'
  | 'amount'
  | 'status'
  | 'tx_hash'
  | 'token'
> & { readonly created_at: string; readonly updated_at: string };

/**
 * Finds a payment in any status.
 *
 * @throws RowNotAuthenticError if its row is not authentic
 */
export async function findPayment(pool: Pool, id: string): Promise<PaymentRecord | undefined> {
  const { rows } = await pool.query<PaymentRecord & Record<string, unknown>>(
    `select ${authenticatedColumns('chain_payments')}, t.created_at, t.updated_at from chain_payments t where t.id = $1`,
    [id],
  );
  return rows[0] && pool.guard.require('chain_payments', rows[0]);
}

/** A stored transaction, and when it was signed. */
export type StoredAttempt = SignedAttempt & { readonly signedAt: string };

/** The transactions of a payment, or those that void it; the oldest first. Rows that are not authentic are left out. */
export async function listAttempts(
  pool: Pool,
  table: 'chain_attempts' | 'void_attempts',
  paymentId: string,
): Promise<StoredAttempt[]> {
  type Row = { tx_hash: string; raw: string; terms: string; signed_at: string } & Record<string, unknown>;
  const { rows } = await pool.query<Row>(
    `select ${authenticatedColumns(table)}, t.signed_at from ${table} t where t.payment_id = $1 order by t.number`,
    [paymentId],
  );
  return rows
    .filter((row) => pool.guard.admits(table, row))
    .map(({ raw, signed_at: signedAt, terms, tx_hash: txHash }) => ({ txHash, raw, terms, signedAt }));
}

/** The deployment's first live environment: actions that concern no customer belong to it. */
export async function findLiveEnvironment(pool: Pool): Promise<EnvironmentRow | undefined> {
  const { rows } = await pool.query<EnvironmentRow & Record<string, unknown>>(
    `select ${authenticatedColumns('environments')} from environments t where t.kind = 'live' order by t.id`,
  );
  return rows.find((row) => pool.guard.admits('environments', row));
}
