import { ChainError } from './errors.ts';
import { expired, type PaymentOutcome } from './finality.ts';
import type { ChainSender, PaymentState, Prepared, SignedAttempt } from './port.ts';
import type { Reservations } from './reservations.ts';
import type { PaymentIntent } from './signing.ts';

/** What following payments needs of a family whose transactions expire. */
interface ExpiringFamily {
  judge(intent: PaymentIntent, attempts: readonly SignedAttempt[]): Promise<PaymentOutcome>;
  prepare(id: string, intent: PaymentIntent): Promise<Prepared>;
  readonly reservations: Reservations;
  /** Reserves what a signed transaction will take from its sender. */
  reserve(id: string, intent: PaymentIntent, terms: string): void;
  /** Whether balances still include what a waiting payment takes. */
  isReserved(state: PaymentState & { kind: 'waiting' }): boolean;
}

/**
 * Follows payments on a chain where transactions expire (Solana, Tron): an expired payment is signed again at new terms.
 *
 * @returns the `follow` of the family's sender
 */
export function followExpiringPayments(family: ExpiringFamily): ChainSender['follow'] {
  /** Expired transactions by payment. The proof holds for good, so their blocks are not read again. */
  const proven = new Map<string, string>();

  return async ({ id, intent }, attempts) => {
    const newest = attempts.at(-1);
    const isProven = newest !== undefined && proven.get(id) === newest.txHash;
    const state = isProven ? expired : await family.judge(intent, attempts);
    if (newest && state.kind === 'waiting' && family.isReserved(state)) {
      family.reserve(id, intent, newest.terms);
    } else family.reservations.release(id);
    if (newest && state.kind === 'expired') proven.set(id, newest.txHash);
    else proven.delete(id);
    if (state.kind !== 'expired') return state;
    const prepared = await family.prepare(id, intent);
    if ('blockedBy' in prepared) throw new ChainError(prepared.blockedBy.text);
    return { kind: 'stuck', terms: prepared.terms };
  };
}
