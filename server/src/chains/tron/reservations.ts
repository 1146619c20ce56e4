/** What a transaction that is signed and in no block yet is going to use. */
export interface Reservation {
  /** Whose energy and TRX it is. */
  readonly payer: string;
  readonly energy: bigint;
  /** Sun that it moves or burns whatever the energy: TRX that is sent, bandwidth. */
  readonly sun: bigint;
}

/**
 * What is already spoken for: nodes tell of blocks only, and a transaction whose sender has run out of TRX in the
 * meantime fails and is charged all the same. Kept in memory; following the payments makes it anew after a restart.
 */
export interface Reservations {
  set(paymentId: string, reservation: Reservation): void;
  release(paymentId: string): void;
  /** Of all payments of a payer but one. */
  totalOf(payer: string, exceptId: string): { readonly energy: bigint; readonly sun: bigint };
}

export function createReservations(): Reservations {
  const byPayment = new Map<string, Reservation>();
  return {
    set: (id, reservation) => void byPayment.set(id, reservation),
    release: (id) => void byPayment.delete(id),
    totalOf(payer, exceptId) {
      const total = { energy: 0n, sun: 0n };
      for (const [id, { energy, payer: owner, sun }] of byPayment) {
        if (owner !== payer || id === exceptId) continue;
        total.energy += energy;
        total.sun += sun;
      }
      return total;
    },
  };
}
