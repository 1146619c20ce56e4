import { isChain } from '../../chains/registry.ts';
import { findLiveTransfers } from '../../resources/transfers/queries.ts';
import type { Pool } from '../../store/pool.ts';
import type { OperatorActionRow } from '../../store/tables/chains.ts';
import { findPayment, listActionsOf, listAttempts } from './queries.ts';

/** A transaction of a payment, without its bytes. */
export interface AttemptView {
  readonly txHash: string;
  readonly terms: string;
  readonly signedAt: string;
}

/** Everything that the books have about a payment. */
export interface PaymentView {
  readonly id: string;
  readonly chain: string;
  readonly kind: string;
  /** `unsigned` for a transfer of which nothing is reserved. */
  readonly status: string;
  readonly transferStatus: string | null;
  readonly currency: string | null;
  readonly amount: string;
  readonly address: string;
  readonly sender: string | null;
  /** The nonce, or the slot in the send queue. */
  readonly sequence: string | null;
  /** The transaction that ended it. */
  readonly txHash: string | null;
  readonly reason: string | null;
  readonly since: string | null;
  readonly attempts: readonly AttemptView[];
  /** Transactions that void it. */
  readonly voids: readonly AttemptView[];
  readonly actions: readonly OperatorActionRow[];
}

/**
 * Reads a payment, or a transfer on a chain of which nothing is reserved.
 *
 * @returns undefined if there is none by the id
 * @throws RowNotAuthenticError if the payment's row is not authentic
 */
export async function viewPayment(pool: Pool, id: string): Promise<PaymentView | undefined> {
  const record = await findPayment(pool, id);
  const transfer = id.startsWith('txn_') ? (await findLiveTransfers(pool, [id])).get(id) : undefined;
  const chain = record?.chain ?? transfer?.destination_payment_rail ?? '';
  if (!isChain(chain)) return undefined;
  const waits = await pool.query<{ reason: string; since: string }>(
    'select reason, since from payment_waits where chain = $1 and id = $2',
    [chain, id],
  );
  return {
    id,
    chain,
    kind: record?.kind ?? 'transfer',
    status: record?.status ?? 'unsigned',
    transferStatus: transfer?.status ?? null,
    currency: record?.currency ?? transfer?.destination_currency ?? null,
    amount: record?.amount ?? (transfer?.final_minor ?? transfer?.net_minor ?? 0n).toString(),
    address: record?.address ?? transfer?.destination_address ?? '',
    sender: record?.sender ?? null,
    sequence: record?.sequence?.toString() ?? null,
    txHash: record?.tx_hash ?? null,
    reason: waits.rows[0]?.reason ?? null,
    since: waits.rows[0]?.since ?? null,
    attempts: (await listAttempts(pool, 'chain_attempts', id)).map(viewAttempt),
    voids: (await listAttempts(pool, 'void_attempts', id)).map(viewAttempt),
    actions: await listActionsOf(pool, id),
  };
}

function viewAttempt({ signedAt, terms, txHash }: AttemptView): AttemptView {
  return { txHash, terms, signedAt };
}
