import {
  type BlockingReason,
  blockingReasonOf,
  ChainError,
  provesUnsigned,
  SignerRefusal,
} from '../../chains/errors.ts';
import type { ChainPort, Prepared, ReservedPayment, SignedAttempt } from '../../chains/port.ts';
import type { Pool } from '../../store/pool.ts';
import type { OpenPayment } from '../payments/queries.ts';
import type { StoredAttempt } from './queries.ts';
import { hasNonces } from './state.ts';

/**
 * Uses the nonce of a payment up by a transfer of nothing from its sender to itself, and raises its fee while it is stuck. On chains where
 * transactions expire there is nothing to do.
 *
 * @returns why it waits
 */
export async function voidPayment(
  pool: Pool,
  port: ChainPort,
  payment: OpenPayment,
  voids: readonly StoredAttempt[],
): Promise<BlockingReason | undefined> {
  const { sender } = port;
  if (!hasNonces(port.chain)) return undefined;
  const filling = fillingOf(port, payment);
  try {
    const newest = voids.at(-1);
    if (!newest) {
      const terms = await firstTerms(port, payment, filling);
      if ('blockedBy' in terms) return terms.blockedBy;
      await signVoid(pool, port, payment, filling, voids, terms.terms);
      return undefined;
    }
    const state = await sender.follow(filling, voids, Date.now() - Date.parse(newest.signedAt));
    if (state.kind === 'stuck') await signVoid(pool, port, payment, filling, voids, state.terms);
    if (state.kind === 'waiting' && !state.isKnown) await sender.broadcast(newest);
    return undefined;
  } catch (error) {
    return blockingReasonOf(error, payment.id);
  }
}

function fillingOf(port: ChainPort, { id, intent, sender, sequence }: OpenPayment): ReservedPayment {
  const index = sender === port.sender.treasury || !('index' in intent) ? null : intent.index;
  return {
    id: `void:${id}`,
    intent: { kind: 'nonce_fill', amount: 0n, address: sender, index },
    sender,
    sequence,
  };
}

/** The terms of the first transaction that voids a payment: more than its own transactions offer. */
function firstTerms(
  { sender }: ChainPort,
  { attempts }: OpenPayment,
  filling: ReservedPayment,
): Promise<Prepared> {
  if (attempts.length === 0) return sender.prepare(filling.id, filling.intent);
  return sender.prepareReplacement(filling, attempts);
}

/** Stores the signed transaction before it is broadcast. @throws ChainError if another process has stored this one */
async function signVoid(
  pool: Pool,
  { sender }: ChainPort,
  payment: OpenPayment,
  filling: ReservedPayment,
  voids: readonly StoredAttempt[],
  terms: string,
): Promise<void> {
  const number = voids.length + 1;
  const attempt = await signOnce(sender, filling, voids, terms);
  const { raw, terms: signedTerms, txHash } = attempt;
  const row = { payment_id: payment.id, number, tx_hash: txHash, raw, terms: signedTerms };
  const { rowCount } = await pool.query(
    `insert into void_attempts (payment_id, number, tx_hash, raw, terms, signed_at, mac)
      select id, $2, $3, $4, $5, now(), $6 from chain_payments where id = $1 and status = 'open' and sequence = $7
      for share on conflict do nothing`,
    [
      payment.id,
      number,
      txHash,
      raw,
      signedTerms,
      pool.guard.macOf('void_attempts', row),
      payment.sequence.toString(),
    ],
  );
  if (rowCount !== 1) throw new ChainError(`Another process works on the payment ${payment.id}.`);
  await sender.broadcast(attempt);
}

/** Signs at these terms, or what the signer has signed before without the answer being stored. */
async function signOnce(
  sender: ChainPort['sender'],
  filling: ReservedPayment,
  voids: readonly StoredAttempt[],
  terms: string,
): Promise<SignedAttempt> {
  try {
    return await sender.sign(filling, await sender.encode(filling, terms), voids);
  } catch (error) {
    if (!(error instanceof SignerRefusal) || provesUnsigned(error)) throw error;
    const signed = await sender.lastSigned(filling);
    if (!signed) throw error;
    return sender.sign(filling, signed, voids);
  }
}
