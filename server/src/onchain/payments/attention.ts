import type { Pool } from '../../store/pool.ts';
import type { PaymentAttention } from '../../store/tables/chains.ts';

/** Why a payment waits for an operator. */
export interface Attention {
  readonly reason: PaymentAttention;
  /** What was found, for the operator. */
  readonly detail: string;
}

/**
 * Records that an open payment waits for an operator, or that it no longer does. Other payments go on either way, and the payment itself
 * is still followed: it ends by itself if the nodes report something else later.
 *
 * @param before what is recorded now
 */
export async function saveAttention(
  pool: Pool,
  paymentId: string,
  before: Attention | undefined,
  attention: Attention | undefined,
): Promise<void> {
  if (before?.reason === attention?.reason && before?.detail === attention?.detail) return;
  await pool.query(
    `update chain_payments set attention = $2, attention_detail = $3, updated_at = now()
      where id = $1 and status = 'open'`,
    [paymentId, attention?.reason ?? null, attention?.detail ?? null],
  );
}
