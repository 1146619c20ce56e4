import { ChainError } from '../../chains/errors.ts';
import type { ReservedPayment, UnsignedAttempt } from '../../chains/port.ts';
import { authenticatedColumns } from '../../store/authenticated-rows.ts';
import type { Pool } from '../../store/pool.ts';

/** The transactions that are with the signer: stored before it is asked, so that the same bytes are asked for after a lost answer. */

interface DraftRow extends Record<string, unknown> {
  readonly unsigned: string;
  readonly terms: string;
}

/**
 * Finds the unsigned transaction of a payment's attempt; undefined if there is none.
 *
 * @throws ChainError if the row is not authentic: the payment waits
 */
export async function findDraft(
  pool: Pool,
  paymentId: string,
  number: number,
): Promise<UnsignedAttempt | undefined> {
  const { rows } = await pool.query<DraftRow>(
    `select ${authenticatedColumns('chain_drafts')} from chain_drafts t where t.payment_id = $1 and t.number = $2`,
    [paymentId, number],
  );
  const row = rows[0];
  if (!row) return undefined;
  if (!pool.guard.admits('chain_drafts', row)) {
    throw new ChainError(`The unsigned transaction of ${paymentId} is not authentic.`);
  }
  const { terms, unsigned } = row;
  return { unsigned, terms };
}

/**
 * Stores the unsigned transaction of a payment's attempt, unless there is one.
 *
 * @returns the stored one, which may be that of another process
 * @throws ChainError if the reservation was released; the signer must not be asked then
 */
export async function storeDraft(
  pool: Pool,
  { id, sequence }: ReservedPayment,
  number: number,
  { terms, unsigned }: UnsignedAttempt,
): Promise<UnsignedAttempt> {
  const mac = pool.guard.macOf('chain_drafts', { payment_id: id, number, unsigned, terms });
  await pool.query(
    `insert into chain_drafts (payment_id, number, unsigned, terms, created_at, mac)
      select id, $2, $3, $4, now(), $5 from chain_payments where id = $1 and status = 'open' and sequence = $6
      on conflict do nothing`,
    [id, number, unsigned, terms, mac, sequence.toString()],
  );
  const stored = await findDraft(pool, id, number);
  if (!stored) throw new ChainError(`Another process works on the payment ${id}.`);
  return stored;
}

/** Deletes an unsigned transaction that the signer has refused. */
export async function deleteDraft(
  pool: Pool,
  paymentId: string,
  number: number,
  { unsigned }: UnsignedAttempt,
): Promise<void> {
  await pool.query('delete from chain_drafts where payment_id = $1 and number = $2 and unsigned = $3', [
    paymentId,
    number,
    unsigned,
  ]);
}
