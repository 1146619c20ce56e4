import { caseIdOf } from '../../identity/state.ts';
import { conflict, notFound, type Refusal } from '../../platform/errors.ts';
import { bucketOfId } from '../../platform/ids.ts';
import { erasedValue } from '../../platform/seal.ts';
import type { Queryable } from '../../store/pool.ts';
import type { CustomerRow } from '../../store/rows.ts';
import type { Command, DecideContext, RowRef, RowWrite, State } from '../../writer/command.ts';
import { walletAccountIds } from '../crypto-wallets/commands.ts';
import { findCustomerIn } from './commands.ts';
import { customerJson } from './schema.ts';

/** What erasing a customer depends on beside the rows that the command reads. */
export interface ErasureFacts {
  readonly walletIds: readonly string[];
  /** How many of their transactions have not ended. */
  readonly openTransactions: number;
  /** When a transaction of theirs changed last; null when they have none. */
  readonly lastTransactionAt: string | null;
}

/** Reads what erasing a customer depends on. */
export async function readErasureFacts(
  db: Queryable,
  environmentId: string,
  customerId: string,
): Promise<ErasureFacts> {
  const values = [bucketOfId(customerId), customerId, environmentId];
  const owned = 'bucket = $1 and customer_id = $2 and environment_id = $3';
  const wallets = await db.query<{ id: string }>(`select id from wallets where ${owned}`, values);
  const { rows } = await db.query<{ open: bigint; last: string | null }>(
    `select count(*) filter (where status not in ('completed', 'failed', 'returned', 'refunded')) as open,
        max(updated_at) as last
      from transactions where ${owned}`,
    values,
  );
  return {
    walletIds: wallets.rows.map(({ id }) => id),
    openTransactions: Number(rows[0]?.open ?? 0n),
    lastTransactionAt: rows[0]?.last ?? null,
  };
}

/** Who wants a customer erased, and how long their data has to be kept. */
export interface ErasureOrder {
  /** The id of an API key, or the operating system's name of whoever gave the command. */
  readonly by: string;
  readonly reason: string | null;
  /** Erases before the data's time is over; needs a reason. */
  readonly isForced: boolean;
  /** Years for which data is kept after the last transaction; 0 when there is no such duty. */
  readonly retentionYears: number;
}

/**
 * Erases a customer: their key is destroyed, and with it all that it has sealed. The books stay. Doing so again changes
 * nothing.
 */
export function eraseCustomer(
  environmentId: string,
  customerId: string,
  facts: ErasureFacts,
  order: ErasureOrder,
): Command<string> {
  const bucket = bucketOfId(customerId);
  const caseId = caseIdOf(customerId);
  const accountIds = facts.walletIds.flatMap(walletAccountIds);
  return {
    name: 'erase_customer',
    environmentId,
    bucket,
    erases: true,
    reads: () => [
      { table: 'customers', bucket, id: customerId },
      { table: 'identity_cases', bucket, id: caseId },
      ...accountIds.map((id): RowRef => ({ table: 'accounts', bucket, id })),
    ],
    decide(state, context) {
      const customer = findCustomerIn(state, context, customerId);
      if (!customer) return { refusal: notFound('customer') };
      if (customer.erased_at !== null) return { result: customerJson(customer, context) };
      const retainedUntil = retentionEnd(customer, facts, order.retentionYears);
      const refusal =
        refuseMoney(state, facts, accountIds) ?? refuseRetention(retainedUntil, order, context.nowMs);
      if (refusal) return { refusal };
      const row = erasedCustomer(customer, context);
      const data = customerJson(row, context);
      return {
        result: data,
        writes: [
          { table: 'customers', row },
          ...erasedCase(state, caseId, context),
          erasureRecord(row, order, retainedUntil, context),
        ],
        events: [{ type: 'customer.erased', objectId: row.id, customerId: row.id, data }],
      };
    },
  };
}

function refuseMoney(
  state: State,
  { openTransactions }: ErasureFacts,
  accountIds: readonly string[],
): Refusal | undefined {
  const isEmpty = accountIds.every((id) => (state.get('accounts', id)?.balance_minor ?? 0n) === 0n);
  if (!isEmpty) {
    return conflict(
      'customer_has_money',
      'The customer still has money: move it out of their wallets first.',
    );
  }
  if (openTransactions === 0) return undefined;
  return conflict(
    'customer_has_money',
    `${openTransactions} transactions of the customer have not ended: wait until they have.`,
  );
}

/** Until when the data has to be kept: so many years from the last transaction, or from when the customer was created. */
function retentionEnd(
  { created_at: createdAt }: CustomerRow,
  { lastTransactionAt }: ErasureFacts,
  years: number,
): string | null {
  if (years === 0) return null;
  const end = new Date(lastTransactionAt ?? createdAt);
  end.setUTCFullYear(end.getUTCFullYear() + years);
  return end.toISOString();
}

function refuseRetention(
  retainedUntil: string | null,
  { isForced }: ErasureOrder,
  nowMs: number,
): Refusal | undefined {
  if (retainedUntil === null || isForced || Date.parse(retainedUntil) <= nowMs) return undefined;
  return conflict('retention_duty', `The customer's data must be kept until ${retainedUntil}.`);
}

function erasedCustomer(customer: CustomerRow, { now }: DecideContext): CustomerRow {
  return {
    ...customer,
    status: customer.status === 'rejected' ? 'rejected' : 'suspended',
    personal: erasedValue,
    // No fingerprint is empty: nobody is found by it.
    email_index: '',
    external_id: null,
    metadata: '{}',
    kyc_rejection_reasons: '[]',
    key_salt: null,
    erased_at: now,
    updated_at: now,
  };
}

function erasedCase(state: State, caseId: string, { now }: DecideContext): RowWrite[] {
  const found = state.get('identity_cases', caseId);
  if (!found) return [];
  const row = { ...found, form: erasedValue, reasons: '[]', version: found.version + 1, updated_at: now };
  return [{ table: 'identity_cases', row }];
}

function erasureRecord(
  { bucket, environment_id, id }: CustomerRow,
  { by, isForced, reason }: ErasureOrder,
  retainedUntil: string | null,
  { now }: DecideContext,
): RowWrite {
  return {
    table: 'customer_erasures',
    row: {
      bucket,
      id,
      environment_id,
      erased_by: by,
      reason,
      forced: isForced,
      retained_until: retainedUntil,
      erased_at: now,
      scrubbed_at: null,
    },
  };
}
