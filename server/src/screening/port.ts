import type { Chain, Stablecoin } from '../chains/registry.ts';

/** A transfer that is about to be sent on a real chain. */
export interface ScreeningSubject {
  readonly transferId: string;
  readonly customerId: string;
  readonly chain: Chain;
  readonly currency: Stablecoin;
  readonly amountMinor: bigint;
  /** Where it goes, in the one form that the chain's addresses are kept in. */
  readonly address: string;
}

/** What is to become of it. The reason is for the operator, and for the customer when it is refused. */
export interface ScreeningVerdict {
  readonly verdict: 'allow' | 'review' | 'reject';
  readonly reason: string;
}

/** Whoever says whether money may go to an address: the built-in rules, or a service. */
export interface Screener {
  /** @throws any error when it cannot be said now: the transfer stays `in_review` and is asked about again */
  screen(subject: ScreeningSubject): Promise<ScreeningVerdict>;
}
