import { caseIdOf } from '../../identity/state.ts';
import { conflict, notFound, type Refusal } from '../../platform/errors.ts';
import { bucketOfId, firstIdAt } from '../../platform/ids.ts';
import { erasedValue } from '../../platform/seal.ts';
import type { Queryable } from '../../store/pool.ts';
import type { CustomerRow } from '../../store/tables/customers.ts';
import type { Command, DecideContext, Holdings, RowRef, RowWrite, State } from '../../writer/command.ts';
import { walletAccountIds } from '../crypto-wallets/commands.ts';
import { findCustomerIn } from './commands.ts';
import { customerJson } from './schema.ts';

/** What the transactions of a customer say about erasing, as far as they were read before the command. */
export interface ErasureFacts {
  /** How many transactions have not ended. */
  readonly openTransactions: number;
  /** The latest `updated_at` of a transaction; null if there are none. */
  readonly lastTransactionAt: string | null;
  /** Every transaction with an id up to this one was read. The command reads later ones itself. */
  readonly readUpToId: string;
}

/** Transactions of the last hour are read again by the command, so that clocks of servers may differ by that much. */
const clockSlackMs = 60 * 60 * 1000;

/**
 * Reads what the transactions of a customer say about erasing. A customer may have many: they are read here, outside of
 * the lane.
 *
 * @param realNowMs the real time, in milliseconds since the Unix epoch, which ids carry
 */
export async function readErasureFacts(
  db: Queryable,
  environmentId: string,
  customerId: string,
  realNowMs: number,
): Promise<ErasureFacts> {
  const { rows } = await db.query<{ open: bigint; last: string | null }>(
    `select count(*) filter (where status not in ('completed', 'failed', 'returned', 'refunded')) as open,
        max(updated_at) as last
      from transactions where bucket = $1 and customer_id = $2 and environment_id = $3`,
    [bucketOfId(customerId), customerId, environmentId],
  );
  return {
    openTransactions: Number(rows[0]?.open ?? 0n),
    lastTransactionAt: rows[0]?.last ?? null,
    readUpToId: firstIdAt('txn', realNowMs - clockSlackMs),
  };
}

/** Who requested the erasure, and the retention duty. */
export interface ErasureOrder {
  /** The id of an API key, or the name of the operating system user who gave the command. */
  readonly by: string;
  readonly reason: string | null;
  /** Erases before the retention period has ended. Requires a reason. */
  readonly isForced: boolean;
  /** The retention period after the last transaction, in years; 0 without a retention duty. */
  readonly retentionYears: number;
}

/**
 * Erases a customer: destroys their key, and with it everything that the key seals. The books stay. Repeating it changes
 * nothing.
 *
 * Wallets, and transactions that `facts` cannot contain, are read under the lane: none that was created before the
 * command takes effect is missed.
 */
export function eraseCustomer(
  environmentId: string,
  customerId: string,
  facts: ErasureFacts,
  order: ErasureOrder,
): Command<string> {
  const bucket = bucketOfId(customerId);
  const caseId = caseIdOf(customerId);
  return {
    name: 'erase_customer',
    environmentId,
    bucket,
    erases: true,
    reads: () => [
      { table: 'customers', bucket, id: customerId },
      { table: 'identity_cases', bucket, id: caseId },
    ],
    holdings: {
      of: { environmentId, bucket, customerId, sinceId: facts.readUpToId },
      reads: ({ walletIds }) =>
        walletIds.flatMap(walletAccountIds).map((id): RowRef => ({ table: 'accounts', bucket, id })),
    },
    decide(state, context) {
      const customer = findCustomerIn(state, context, customerId);
      if (!customer) return { refusal: notFound('customer') };
      if (customer.erased_at !== null) return { result: customerJson(customer, context) };
      const holdings = state.holdings();
      const retainedUntil = retentionEnd(customer, lastTransactionOf(facts, holdings), order.retentionYears);
      const refusal =
        refuseMoney(state, facts, holdings) ?? refuseRetention(retainedUntil, order, context.nowMs);
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

function refuseMoney(state: State, facts: ErasureFacts, holdings: Holdings): Refusal | undefined {
  const accountIds = holdings.walletIds.flatMap(walletAccountIds);
  const isEmpty = accountIds.every((id) => (state.get('accounts', id)?.balance_minor ?? 0n) === 0n);
  if (!isEmpty) {
    return conflict(
      'customer_has_money',
      'The wallets of the customer must be empty; move the money out first.',
    );
  }
  // Recent transactions are in both counts.
  const open = Math.max(facts.openTransactions, holdings.openTransactions);
  if (open === 0) return undefined;
  return conflict(
    'customer_has_money',
    `Every transaction of the customer must have ended; ${open} have not.`,
  );
}

function lastTransactionOf(facts: ErasureFacts, holdings: Holdings): string | null {
  const [before, since] = [facts.lastTransactionAt, holdings.lastTransactionAt];
  if (before === null || since === null) return before ?? since;
  return Date.parse(since) > Date.parse(before) ? since : before;
}

/** The end of the retention period, counted from the last transaction, or else from when the customer was created. */
function retentionEnd(
  { created_at: createdAt }: CustomerRow,
  lastTransactionAt: string | null,
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
    // No fingerprint is empty, so that no search finds the customer.
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
