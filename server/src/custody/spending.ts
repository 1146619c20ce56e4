import { SignerRefusal } from '../chains/signing.ts';
import type { Spend } from './policy.ts';

/** A payment that is about to be signed. */
export interface Payment {
  readonly chain: string;
  readonly reference: string;
  /** Everything that the payment is (`intentText`). */
  readonly meaning: string;
  /** Its place in the sender's order (EVM nonce); null where the chain has none. */
  readonly nonce: string | null;
  /** `YYYY-MM-DD`, in UTC. */
  readonly day: string;
  readonly spends: readonly Spend[];
}

/** A payment as it was signed before. */
export interface KnownPayment {
  readonly meaning: string;
  readonly nonce: string | null;
  /** What has been counted for it, by asset. */
  readonly counted: Readonly<Record<string, bigint>>;
}

/**
 * Remembers what was signed. It outlives restarts, and two that ask at once never spend the same part of a day's limit.
 */
export interface SpendBook {
  /**
   * Counts a payment before it is signed. What was signed before for the same place counts only as far as it has grown (a
   * higher fee); without a place it counts again.
   *
   * @throws SignerRefusal `over_day_limit`, or `reference_reused` when the reference names another payment
   */
  count(payment: Payment): Promise<void>;
}

/**
 * Decides what a payment adds to the day.
 *
 * @param spentOf what has been counted on the day, by asset
 * @returns what to add for each asset; zeros are left out
 */
export function decideSpend(
  payment: Payment,
  known: KnownPayment | undefined,
  spentOf: (asset: string) => bigint,
): readonly { readonly asset: string; readonly amount: bigint }[] {
  if (known && (known.meaning !== payment.meaning || known.nonce !== payment.nonce)) {
    throw new SignerRefusal('reference_reused', 'Another payment was signed under this reference.');
  }
  return payment.spends.flatMap(({ amount, asset, perDay }) => {
    // Where no place in an order keeps two versions apart, both may take effect: each signature is a payment of its own.
    const before = payment.nonce === null ? 0n : (known?.counted[asset] ?? 0n);
    const more = amount - before;
    if (more <= 0n) return [];
    if (spentOf(asset) + more > perDay) {
      throw new SignerRefusal(
        'over_day_limit',
        `The limit of the day for ${asset} on ${payment.chain} is reached.`,
      );
    }
    return [{ asset, amount: more }];
  });
}

/** What is known of the payment afterwards. */
export function afterSpend(
  payment: Payment,
  known: KnownPayment | undefined,
  added: readonly { readonly asset: string; readonly amount: bigint }[],
): KnownPayment {
  const counted: Record<string, bigint> = { ...known?.counted };
  for (const { amount, asset } of added) counted[asset] = (counted[asset] ?? 0n) + amount;
  return { meaning: payment.meaning, nonce: payment.nonce, counted };
}
