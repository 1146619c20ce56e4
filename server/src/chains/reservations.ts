/** What a signed transaction that is not in a block yet will use. */
export interface Reservation {
  /** The account that pays energy and native coin. */
  readonly payer: string;
  /** Tron's energy; 0 elsewhere. */
  readonly energy: bigint;
  /** Native coin that it moves or burns regardless of energy, in the smallest unit. */
  readonly native: bigint;
}

/**
 * Energy and coin that pending transactions will use. Nodes report balances of blocks only, and a transaction whose sender has
 * too little coin by the time it is mined fails and costs its fee. Kept in memory; following the payments restores it after a
 * restart.
 */
export interface Reservations {
  set(paymentId: string, reservation: Reservation): void;
  release(paymentId: string): void;
  /** The sum over a payer's payments except one. */
  totalOf(payer: string, exceptId: string): { readonly energy: bigint; readonly native: bigint };
}

/** Creates an empty set of reservations. */
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
