import { SignerRefusal } from '../chains/errors.ts';
import type { Validity } from '../chains/signing.ts';
import type { Spend } from './policy.ts';

/**
 * What the signer remembers, and what it decides by that: one reference is one payment, and of its transactions only one can take
 * effect. The record is a table (`spend-table.ts`) or a file (`spend-file.ts`); the decisions are the same.
 */

/** A transaction as the record keeps it. */
export interface RecordedTransaction {
  /** The chain's id. */
  readonly id: string;
  readonly unsigned: Uint8Array;
  /** The caller's description of the bytes. */
  readonly terms: string;
  /** Null on chains with nonces. */
  readonly validity: Validity | null;
}

/** A transaction that is about to leave the signer. */
export interface Payment {
  readonly chain: string;
  readonly reference: string;
  /** Everything that defines the payment (`intentText`). */
  readonly intent: string;
  /** The EVM nonce; null on chains without nonces. */
  readonly nonce: string | null;
  readonly transaction: RecordedTransaction;
  /** The id of the last transaction of the reference, as the caller states it. */
  readonly replaces: string | undefined;
  readonly spends: readonly Spend[];
  /** The signer's own time, in milliseconds since the Unix epoch. */
  readonly atMs: number;
  /** The least time between two transactions of one reference, on chains without nonces. */
  readonly signAgainAfterMs: number;
}

/** A payment as it was signed before. */
export interface SignedPayment {
  readonly intent: string;
  readonly nonce: string | null;
  /** The last transaction; undefined in records of versions that did not keep it. */
  readonly last: RecordedTransaction | undefined;
  /** When it was signed, in milliseconds since the Unix epoch. */
  readonly signedAtMs: number;
  /** The amounts counted for the payment, by asset. */
  readonly counted: Readonly<Record<string, bigint>>;
}

/** An amount that a payment adds to a day's total. */
export interface CountedAmount {
  /** A currency code, `native`, or one of them followed by ` again`. */
  readonly asset: string;
  readonly amount: bigint;
}

/** The persistent record of what was signed. Of concurrent requests, each sees what the others have written. */
export interface SpendBook {
  /** Finds what was signed under a reference. */
  find(reference: string): Promise<SignedPayment | undefined>;
  /**
   * Records a transaction before its signature leaves the signer. The last transaction of a reference is not recorded again.
   *
   * @throws SignerRefusal if `decidePayment` does; nothing is recorded then
   */
  record(payment: Payment): Promise<void>;
  /** The number of entries of a file; missing for a table. */
  entries?(): number;
  /** What has been counted on a day, by chain and asset, and the state of the record. */
  status(day: string): Promise<RecordStatus>;
}

/** The state of a record. */
export interface RecordStatus {
  readonly spent: readonly { readonly chain: string; readonly asset: string; readonly amount: bigint }[];
  /** The number of entries of a file; undefined for a table. */
  readonly entries?: number | undefined;
  readonly bytes?: number | undefined;
  /** When the last entry was written, in milliseconds since the Unix epoch; null if there is none. */
  readonly lastAtMs: number | null;
}

/** The day of a time, in UTC: `YYYY-MM-DD`. */
export function dayOf(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 10);
}

/** Whether these bytes are the last transaction of the payment: they get the same signature, whatever the policy is by now. */
export function isSignedAlready(
  {
    intent,
    transaction,
  }: Pick<Payment, 'intent'> & { readonly transaction: { readonly unsigned: Uint8Array } },
  known: SignedPayment | undefined,
): boolean {
  return (
    known?.last !== undefined &&
    known.intent === intent &&
    Buffer.from(known.last.unsigned).equals(transaction.unsigned)
  );
}

/**
 * Decides whether a transaction may be signed, and what it adds to the totals of its day.
 *
 * A further transaction of a payment adds only what its fee has grown by. On chains without nonces it counts against a limit of its own
 * too, as high as that of the day: who lies about what happened on a chain can have no more signed than twice the limit.
 *
 * @param spentOf returns the day's total of an asset
 * @returns the amount to add per asset, without zeros; undefined if these bytes have been signed already
 * @throws SignerRefusal `over_day_limit`; `reference_reused` if the reference belongs to another payment; `signed_before` or
 *   `not_expired` if the last transaction may still take effect
 */
export function decidePayment(
  payment: Payment,
  known: SignedPayment | undefined,
  spentOf: (asset: string) => bigint,
): readonly CountedAmount[] | undefined {
  if (isSignedAlready(payment, known)) return undefined;
  if (known) requireReplaceable(payment, known);
  const added = payment.spends.flatMap(({ amount, asset, perDay }) => [
    { asset, perDay, amount: amount - (known?.counted[asset] ?? 0n) },
    ...(known && payment.nonce === null ? [{ asset: `${asset} again`, perDay, amount }] : []),
  ]);
  return added.flatMap(({ amount, asset, perDay }) => {
    if (amount <= 0n) return [];
    if (spentOf(asset) + amount <= perDay) return [{ asset, amount }];
    const message = `The limit per day for ${asset} on ${payment.chain} is reached.`;
    throw new SignerRefusal('over_day_limit', message, known?.last?.id);
  });
}

/** Requires that at most one of the last transaction and this one can take effect. */
function requireReplaceable(payment: Payment, known: SignedPayment): void {
  const { atMs, intent, nonce, replaces, signAgainAfterMs, transaction } = payment;
  const { last, signedAtMs } = known;
  const id = last?.id ?? 'a transaction without a record';
  if (known.intent !== intent || known.nonce !== nonce) {
    throw new SignerRefusal('reference_reused', 'Another payment was signed under this reference.', id);
  }
  // The chain takes one transaction per nonce.
  if (nonce !== null) return;
  const notExpired = (why: string): SignerRefusal =>
    new SignerRefusal('not_expired', `The last transaction has not expired: ${why}.`, id);
  if (last && replaces !== last.id) {
    const message = `This payment was signed as ${last.id}; a further transaction must name it.`;
    throw new SignerRefusal('signed_before', message, id);
  }
  const until = last?.validity?.until;
  if (until !== undefined && (transaction.validity?.from ?? 0) <= until) {
    throw notExpired(`the new one must refer to a block after ${until}`);
  }
  const notBeforeMs = Math.max(signedAtMs + signAgainAfterMs, last?.validity?.endsAtMs ?? 0);
  if (atMs < notBeforeMs) throw notExpired(`not before ${new Date(notBeforeMs).toISOString()}`);
}

/** The record of a payment after a transaction of it has been signed. */
export function afterSigning(
  { atMs, intent, nonce, transaction }: Payment,
  known: SignedPayment | undefined,
  added: readonly CountedAmount[],
): SignedPayment {
  const counted: Record<string, bigint> = { ...known?.counted };
  for (const { amount, asset } of added) {
    if (!asset.endsWith(' again')) counted[asset] = (counted[asset] ?? 0n) + amount;
  }
  return { intent, nonce, last: transaction, signedAtMs: atMs, counted };
}
