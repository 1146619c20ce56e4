/** What a transaction that is signed and in no block yet is going to use. */
export interface Reservation {
  /** Whose energy and coin it is. */
  readonly payer: string;
  /** Of Tron; 0 elsewhere. */
  readonly energy: bigint;
  /** The chain's own coin, in its smallest unit, that it moves or burns whatever the energy. */
  readonly native: bigint;
}

/**
 * What is already spoken for: nodes tell of blocks only, and a transaction whose sender has run out of coin in the
 * meantime fails and is charged all the same. Kept in memory; following the payments makes it anew after a restart.
 */
export interface Reservations {
  set(paymentId: string, reservation: Reservation): void;
  release(paymentId: string): void;
  /** Of all payments of a payer but one. */
  totalOf(payer: string, exceptId: string): { readonly energy: bigint; readonly native: bigint };
}

export function createReservations(): Reservations {
  const byPayment = new Map<string, Reservation>();
  return {
    set: (id, reservation) => void byPayment.set(id, reservation),
    release: (id) => void byPayment.delete(id),
    totalOf(payer, exceptId) {
      const total = { energy: 0n, native: 0n };
      for (const [id, { energy, native, payer: owner }] of byPayment) {
        if (owner !== payer || id === exceptId) continue;
        total.energy += energy;
        total.native += native;
      }
      return total;
    },
  };
}
