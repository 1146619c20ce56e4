import type { ChainPort } from '../../chains/port.ts';
import type { LiveTransfer } from '../../resources/transfers/queries.ts';
import type { Pool, PoolClient } from '../../store/pool.ts';
import type { RowGuard } from '../../store/row-guard.ts';
import { inTransaction } from '../../store/transaction.ts';
import { listPayments, type OpenPayment } from '../payments/queries.ts';
import { AdoptionError } from './adoption-error.ts';

/** The transaction that paid a transfer, and its nonce on chains that have them. */
export interface PaidBy {
  readonly txHash: string;
  readonly sequence: bigint | undefined;
  readonly amountMinor: bigint;
}

/**
 * Records a transaction as the payment of a transfer. The worker of the chain then follows it, like one that was signed here, and
 * completes the transfer with it.
 *
 * @throws AdoptionError if the transfer has a payment that may still be made, or was made otherwise
 * @throws ChainError
 */
export async function adoptPayment(
  pool: Pool,
  port: ChainPort,
  transfer: LiveTransfer,
  paid: PaidBy,
): Promise<void> {
  const existing = (await listPayments(pool, port.chain)).find(({ id }) => id === transfer.id);
  if (existing) await requireSuperseded(port, existing, paid);
  await inTransaction(pool, async (client) => {
    const sequence = await preparePayment(client, pool.guard, port, transfer, existing, paid);
    const number = (existing?.attempts.length ?? 0) + 1;
    const row = { payment_id: transfer.id, number, tx_hash: paid.txHash, raw: '', terms: '' };
    const { rowCount } = await client.query(
      `insert into chain_attempts (payment_id, number, tx_hash, raw, terms, signed_at, mac)
        select id, $2, $3, '', '', now(), $4 from chain_payments where id = $1 and status = 'open' and sequence = $5
        on conflict do nothing`,
      [transfer.id, number, paid.txHash, pool.guard.macOf('chain_attempts', row), sequence],
    );
    if (rowCount !== 1) throw new AdoptionError(`The payment of ${transfer.id} is being changed: try again.`);
  });
}

/** What was signed for the transfer here must never be made, or it would be paid twice. */
async function requireSuperseded(port: ChainPort, payment: OpenPayment, paid: PaidBy): Promise<void> {
  const { attempts, id, intent, sequence } = payment;
  if (intent.amount !== paid.amountMinor) {
    throw new AdoptionError(
      `The payment of ${id} is one of ${intent.amount} minor units, not of ${paid.amountMinor}.`,
    );
  }
  if (attempts.length === 0) return;
  if (paid.sequence !== undefined) {
    // The chain makes one transaction with a nonce.
    if (paid.sequence === sequence) return;
    throw new AdoptionError(`${id} has a signed payment with nonce ${sequence}: cancel that first.`);
  }
  const state = await port.sender.follow(payment, attempts, 0);
  if (state.kind === 'stuck') return;
  throw new AdoptionError(
    state.kind === 'final'
      ? `${id} was paid by ${state.txHash}.`
      : `${id} has a signed payment that has not expired: try again later.`,
  );
}

/** Ensures that the transfer has an open payment with the nonce of the transaction. @returns its nonce or slot */
async function preparePayment(
  client: PoolClient,
  guard: RowGuard,
  { chain, sender: { treasury } }: ChainPort,
  transfer: LiveTransfer,
  existing: OpenPayment | undefined,
  paid: PaidBy,
): Promise<bigint> {
  if (existing && (paid.sequence === undefined || paid.sequence === existing.sequence))
    return existing.sequence;
  if (existing) {
    // Nothing was signed for it: another nonce takes the place of the reserved one, which must be the last.
    const { rowCount } = await client.query(
      `update chain_sequences set next_sequence = $3
        where chain = $1 and sender = $2 and next_sequence = $3 + 1
          and not exists (select from chain_drafts where payment_id = $4)`,
      [chain, treasury, existing.sequence, transfer.id],
    );
    if (rowCount !== 1)
      throw new AdoptionError(`${transfer.id} has reserved nonce ${existing.sequence}: release it first.`);
    await client.query("delete from chain_payments where id = $1 and status = 'open'", [transfer.id]);
  }
  const sequence = paid.sequence ?? (await takeSlot(client, chain, treasury));
  const { destination_address: address, destination_currency: currency, id } = transfer;
  const amount = paid.amountMinor.toString();
  const row = {
    chain,
    id,
    kind: 'transfer',
    sender: treasury,
    sequence,
    currency,
    address,
    amount,
    status: 'open',
  };
  const { rowCount } = await client.query(
    `insert into chain_payments (chain, id, kind, sender, sequence, currency, address, amount, status, created_at, updated_at, mac)
      values ($1, $2, 'transfer', $3, $4, $5, $6, $7, 'open', now(), now(), $8) on conflict do nothing`,
    [chain, id, treasury, sequence, currency, address, amount, guard.macOf('chain_payments', row)],
  );
  if (rowCount !== 1)
    throw new AdoptionError(
      `${id} has a payment that has ended, or nonce ${sequence} belongs to another one.`,
    );
  return sequence;
}

/** Takes the next slot in the send queue of a chain without nonces. */
async function takeSlot(client: PoolClient, chain: string, sender: string): Promise<bigint> {
  const { rows } = await client.query<{ taken: bigint }>(
    `insert into chain_sequences (chain, sender, next_sequence) values ($1, $2, 1)
      on conflict (chain, sender) do update set next_sequence = chain_sequences.next_sequence + 1
      returning next_sequence - 1 as taken`,
    [chain, sender],
  );
  return rows[0]?.taken ?? 0n;
}
