import type { Chain, Stablecoin } from '../chains/registry.ts';

/** A transfer that is about to be sent on a real chain. */
export interface ScreeningSubject {
  readonly transferId: string;
  readonly customerId: string;
  readonly chain: Chain;
  readonly currency: Stablecoin;
  readonly amountMinor: bigint;
  /** The destination address, in the canonical form of the chain. */
  readonly address: string;
}

/** The decision on a transfer. The reason is for the operator, and for the client if the transfer is rejected. */
export interface ScreeningVerdict {
  readonly verdict: 'allow' | 'review' | 'reject';
  readonly reason: string;
}

/** Decides whether money may be sent to an address: the built-in rules, or a service. */
export interface Screener {
  /** @throws any error if there is no decision now: the transfer stays `in_review` and is screened again */
  screen(subject: ScreeningSubject): Promise<ScreeningVerdict>;
}
