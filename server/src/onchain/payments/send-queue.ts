import {
  type BlockingReason,
  blockingReasonOf,
  ChainError,
  provesUnsigned,
  SignerRefusal,
} from '../../chains/errors.ts';
import { freezeReason } from '../../chains/freezes.ts';
import type {
  ChainPort,
  Prepared,
  PreparedTerms,
  ReservedPayment,
  SignedAttempt,
  UnsignedAttempt,
} from '../../chains/port.ts';
import type { Chain } from '../../chains/registry.ts';
import { type PaymentIntent, payerOf, servesSweeps } from '../../chains/signing.ts';
import { limits } from '../../platform/limits.ts';
import { authenticatedColumns } from '../../store/authenticated-rows.ts';
import type { Pool, Queryable } from '../../store/pool.ts';
import { inTransaction } from '../../store/transaction.ts';
import { countReorganisations } from '../cursor.ts';
import { requireKnownSequences } from '../outflows/sequences.ts';
import { deleteDraft, findDraft, storeDraft } from './drafts.ts';
import { listWithdrawn, type OpenPayment } from './queries.ts';

/** The result of an attempt to sign a payment. */
export type SignResult =
  | { readonly attempt: SignedAttempt }
  /** `nativeNeeded`: the native balance that the sender needs, if it has too little. */
  | { readonly blockedBy: BlockingReason; readonly nativeNeeded?: bigint }
  /** There is a payment under this id, or a treasury operation for this address, already; or another payment is being signed. */
  | { readonly exists: true };

/** Decides whether a payment is signed at these terms. @returns why not */
export type Admission = (prepared: PreparedTerms) => BlockingReason | undefined;

/**
 * Prepares a payment, reserves its nonce or slot, signs it and stores the signed transaction. The caller broadcasts it.
 *
 * @param id names the payment permanently
 * @param admit is asked before anything is reserved
 */
export async function signNewPayment(
  pool: Pool,
  port: ChainPort,
  id: string,
  intent: PaymentIntent,
  admit: Admission,
): Promise<SignResult> {
  const { sender } = port;
  const prepared = await prepareOrRefuse(port, id, intent);
  if ('blockedBy' in prepared) return prepared;
  const blockedBy = admit(prepared);
  if (blockedBy) return { blockedBy };
  const from = payerOf(sender.treasury, intent);
  // Of the treasury the gate has verified it in this turn.
  if (from !== sender.treasury) await requireKnownSequences(pool, port, from);
  const unused = await sender.nextSequence(from);
  const reserved = await reservePayment(pool, port.chain, from, id, intent, unused);
  return reserved ? signOrRelease(pool, port, reserved, prepared.terms) : { exists: true };
}

/**
 * Signs a payment whose process ended between the reservation and the signature. What the signer may have seen is asked for again.
 * Another treasury operation is given up, because its nonce must not keep payments waiting: if it is still needed, there will be a new
 * one.
 */
export async function signReservedPayment(
  pool: Pool,
  port: ChainPort,
  payment: OpenPayment,
): Promise<SignResult> {
  const isTreasurys = servesSweeps(payment.intent);
  // Another worker may be about to sign it.
  if (isTreasurys && payment.reservedForMs < limits.reservationMs) return { exists: true };
  const asked = (await findDraft(pool, payment.id, 1)) ?? (await port.sender.lastSigned(payment));
  if (asked) return signOrRelease(pool, port, payment, asked);
  if (isTreasurys && (await releasePayment(pool, port.chain, payment))) return { exists: true };
  const prepared = await prepareOrRefuse(port, payment.id, payment.intent);
  if ('blockedBy' in prepared) {
    // The signer has not seen this payment, and an unsigned reservation would hold up all others.
    await releasePayment(pool, port.chain, payment);
    return prepared;
  }
  return signOrRelease(pool, port, payment, prepared.terms);
}

/** Prepares a payment. What the signer refuses then, such as an authorization, concerns this payment only. */
async function prepareOrRefuse({ sender }: ChainPort, id: string, intent: PaymentIntent): Promise<Prepared> {
  try {
    const preparing = sender.prepare(id, intent);
    // What is frozen may also fail to be prepared: the freeze is the reason then.
    preparing.catch(() => undefined);
    const freeze = await sender.findFreeze(intent);
    if (freeze && intent.kind === 'transfer') return { blockedBy: freezeReason(freeze, intent.currency) };
    return await preparing;
  } catch (error) {
    if (!(error instanceof SignerRefusal)) throw error;
    return { blockedBy: blockingReasonOf(error, id) };
  }
}

/** @param source the terms of a new transaction, or one that the signer may have seen */
async function signOrRelease(
  pool: Pool,
  port: ChainPort,
  payment: ReservedPayment,
  source: string | UnsignedAttempt,
): Promise<SignResult> {
  try {
    return { attempt: await signAndStore(pool, port, payment, [], source) };
  } catch (error) {
    // Without a decision about these bytes they may have been signed: the reservation must stay.
    if (!(error instanceof SignerRefusal) || error.code === 'record_behind') throw error;
    // Others were signed, and this database does not know them: it was restored, or lost a row.
    const signed = provesUnsigned(error) ? undefined : await port.sender.lastSigned(payment);
    if (signed) return { attempt: await signAndStore(pool, port, payment, [], signed) };
    await releasePayment(pool, port.chain, payment);
    return { blockedBy: blockingReasonOf(error, payment.id) };
  }
}

/**
 * Reserves the sender's next nonce (EVM) or slot (Solana, Tron) for a payment, permanently. The payment is signed only afterwards, so
 * that after any crash it is signed for the same nonce. Nothing is reserved after a payment of the sender that is not signed yet: if
 * the signer refuses that one, its nonce can be used by the next.
 *
 * @param id names the payment; there is never a second one under it
 * @param unused the first nonce that the chain has not used
 * @returns undefined if there is a payment under the id, an open treasury operation for the address, or an unsigned payment of the
 *   sender
 */
export async function reservePayment(
  pool: Pool,
  chain: Chain,
  sender: string,
  id: string,
  intent: PaymentIntent,
  unused: bigint,
): Promise<ReservedPayment | undefined> {
  return inTransaction(pool, async (client) => {
    await client.query(
      'insert into chain_sequences (chain, sender, next_sequence) values ($1, $2, $3) on conflict do nothing',
      [chain, sender, unused],
    );
    const { rows } = await client.query<{ next_sequence: bigint }>(
      'select next_sequence from chain_sequences where chain = $1 and sender = $2 for update',
      [chain, sender],
    );
    if (await hasUnsigned(client, chain, sender)) return undefined;
    const sequence = rows[0]?.next_sequence ?? 0n;
    // A nonce that the chain has used and the books do not know may have made this payment already.
    if (unused > sequence)
      throw new ChainError(`${sender} has used nonces that the books did not give out.`, 'held');
    const currency = 'currency' in intent ? intent.currency : null;
    const index = intent.kind === 'transfer' ? null : intent.index;
    const token = intent.kind === 'deposit_return' ? intent.token : null;
    const { address, kind } = intent;
    const amount = intent.amount.toString();
    const mac = pool.guard.macOf('chain_payments', {
      ...{ chain, id, kind, sender, sequence, currency, address, amount },
      wallet_index: index,
      status: 'open',
      token,
    });
    const { rowCount } = await client.query(
      `insert into chain_payments
          (chain, id, kind, sender, sequence, currency, address, wallet_index, amount, status, created_at, updated_at, mac,
            token)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'open', now(), now(), $10, $11) on conflict do nothing`,
      [chain, id, kind, sender, sequence, currency, address, index, amount, mac, token],
    );
    if (rowCount !== 1) return undefined;
    await client.query('update chain_sequences set next_sequence = $3 where chain = $1 and sender = $2', [
      chain,
      sender,
      sequence + 1n,
    ]);
    return { id, intent, sender, sequence };
  });
}

async function hasUnsigned(client: Queryable, chain: Chain, sender: string): Promise<boolean> {
  const { rowCount } = await client.query(
    `select from chain_payments p where p.chain = $1 and p.sender = $2 and p.status = 'open'
      and not exists (select from chain_attempts a where a.payment_id = p.id) limit 1`,
    [chain, sender],
  );
  return rowCount !== 0;
}

/**
 * Releases a reservation that the signer has not seen, or has refused, if it is the sender's last one. A gap would block all later nonces.
 *
 * @returns whether it was released
 */
export async function releasePayment(pool: Pool, chain: Chain, payment: ReservedPayment): Promise<boolean> {
  return inTransaction(pool, async (client) => {
    const { rowCount } = await client.query(
      `update chain_sequences set next_sequence = $3
        where chain = $1 and sender = $2 and next_sequence = $3 + 1
          and not exists (select from chain_attempts where payment_id = $4)
          and not exists (select from chain_drafts where payment_id = $4)`,
      [chain, payment.sender, payment.sequence, payment.id],
    );
    if (rowCount !== 1) return false;
    await client.query("delete from chain_payments where id = $1 and status = 'open'", [payment.id]);
    return true;
  });
}

/**
 * Withdraws a payment, so that no process can reserve it. Its transfer may fail only after that.
 *
 * @returns false if the payment has been reserved, possibly by another process
 */
export async function withdrawPayment(
  pool: Pool,
  chain: Chain,
  sender: string,
  id: string,
  intent: PaymentIntent & { kind: 'transfer' },
): Promise<boolean> {
  const { address, currency, kind } = intent;
  const amount = intent.amount.toString();
  const row = { chain, id, kind, sender, currency, address, amount, status: 'withdrawn' };
  await pool.query(
    `insert into chain_payments (chain, id, kind, sender, currency, address, amount, status, created_at, updated_at, mac)
      values ($1, $2, 'transfer', $3, $4, $5, $6, 'withdrawn', now(), now(), $7) on conflict do nothing`,
    [chain, id, sender, currency, address, amount, pool.guard.macOf('chain_payments', row)],
  );
  return (await listWithdrawn(pool, [id])).has(id);
}

/**
 * Signs a reserved payment and stores the signed transaction. It must be broadcast only afterwards. The unsigned one is stored before
 * the signer is asked: if that was done and the answer was lost, the same is asked for again, whatever the source is now.
 *
 * @param source terms from `prepare` or `follow`, or the transaction itself
 * @throws ChainError if another process has stored this attempt or released the reservation; nothing must be broadcast then
 * @throws SignerRefusal, SignerUnavailableError
 */
export async function signAndStore(
  pool: Pool,
  { sender }: ChainPort,
  payment: ReservedPayment,
  attempts: readonly SignedAttempt[],
  source: string | UnsignedAttempt,
): Promise<SignedAttempt> {
  const number = attempts.length + 1;
  const unsigned = typeof source === 'string' ? await sender.encode(payment, source) : source;
  const draft = await storeDraft(pool, payment, number, unsigned);
  const attempt = await sender.sign(payment, draft, attempts).catch(async (error) => {
    // These bytes are not signed, and others may be allowed.
    if (error instanceof SignerRefusal && error.code !== 'record_behind')
      await deleteDraft(pool, payment.id, number, draft);
    throw error;
  });
  const { raw, terms: signedTerms, txHash } = attempt;
  const row = { payment_id: payment.id, number, tx_hash: txHash, raw, terms: signedTerms };
  const mac = pool.guard.macOf('chain_attempts', row);
  const { rowCount } = await pool.query(
    `with asked as (delete from chain_drafts where payment_id = $1 and number = $2)
      insert into chain_attempts (payment_id, number, tx_hash, raw, terms, signed_at, mac)
      select id, $2, $3, $4, $5, now(), $7 from chain_payments where id = $1 and status = 'open' and sequence = $6
      for share on conflict do nothing`,
    [payment.id, number, txHash, raw, signedTerms, payment.sequence.toString(), mac],
  );
  if (rowCount !== 1) throw new ChainError(`Another process works on the payment ${payment.id}.`);
  return attempt;
}

/**
 * Ends a payment that can never land, or that something else than its own transactions has paid. Nothing is signed for it afterwards. One
 * of which nothing was ever signed becomes withdrawn if it is not paid.
 *
 * @param signed how many transactions of the payment the caller has judged
 * @param paidBy the final transaction that paid it; undefined if nothing did
 * @returns whether it has ended; false if another process has signed for it in between
 * @throws RowNotAuthenticError if the payment's row is not authentic
 */
export async function endPaymentByOrder(
  pool: Pool,
  id: string,
  signed: number,
  unpaidHash: string | undefined,
  paidBy?: Pick<PaymentEnd, 'txHash' | 'height'>,
): Promise<boolean> {
  return inTransaction(pool, async (client) => {
    const { rows } = await client.query<Record<string, unknown>>(
      `select ${authenticatedColumns('chain_payments')} from chain_payments t
        where t.id = $1 and t.status = 'open' for update`,
      [id],
    );
    const attempts = await client.query('select from chain_attempts where payment_id = $1', [id]);
    const row = rows[0];
    if (!row || attempts.rowCount !== signed) return false;
    const txHash = paidBy?.txHash ?? unpaidHash ?? null;
    const status = paidBy ? 'completed' : txHash === null ? 'withdrawn' : 'failed';
    const sequence = status === 'withdrawn' ? null : row.sequence;
    const ended = { ...pool.guard.require('chain_payments', row), status, sequence, tx_hash: txHash };
    await client.query(
      `update chain_payments set status = $2, sequence = $3, tx_hash = $4, height = $5, updated_at = now(), mac = $6
        where id = $1`,
      [id, status, sequence, txHash, paidBy?.height ?? null, pool.guard.macOf('chain_payments', ended)],
    );
    return true;
  });
}

/** How a payment ended: the final transaction, its height and the fee that the chain charged. */
interface PaymentEnd {
  readonly ok: boolean;
  readonly txHash: string;
  readonly height: number;
  readonly feeNative: bigint;
}

/**
 * Records the end of a payment. Does nothing if it has ended already, or if the chain was reorganised deeply since: its block may have
 * vanished, and it is judged again.
 *
 * @param reorganisations how many deep reorganisations were known when the payment was judged
 * @throws RowNotAuthenticError if the payment's row is not authentic
 */
export async function endPayment(
  pool: Pool,
  chain: Chain,
  id: string,
  end: PaymentEnd,
  reorganisations: number,
): Promise<void> {
  const status = end.ok ? 'completed' : 'failed';
  await inTransaction(pool, async (client) => {
    if ((await countReorganisations(client, chain, 'for share')) !== reorganisations) return;
    const { rows } = await client.query<Record<string, unknown>>(
      `select ${authenticatedColumns('chain_payments')} from chain_payments t
        where t.id = $1 and t.status = 'open' for update`,
      [id],
    );
    const row = rows[0];
    if (!row) return;
    const ended = { ...pool.guard.require('chain_payments', row), status, tx_hash: end.txHash };
    const mac = pool.guard.macOf('chain_payments', ended);
    await client.query(
      `update chain_payments set status = $2, tx_hash = $3, height = $4, fee_native = $5, updated_at = now(), mac = $6,
          attention = null, attention_detail = null, reopened_at = null
        where id = $1`,
      [id, status, end.txHash, end.height, end.feeNative.toString(), mac],
    );
  });
}
