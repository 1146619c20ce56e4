import type { ChainPort } from '../../chains/port.ts';
import type { Stablecoin } from '../../chains/registry.ts';
import type { PaymentIntent } from '../../chains/signing.ts';
import { limits } from '../../platform/limits.ts';
import type { Pool } from '../../store/pool.ts';
import { listPayments, type OpenPayment } from './queries.ts';

/** What can still be signed in a turn. */
export interface Budget {
  /** How many more of the treasury's transactions may be pending. */
  free: number;
  /** The treasury's token balances minus the amounts that are signed and not mined. */
  readonly tokens: Map<Stablecoin, bigint>;
  /** The ids of the open payments. */
  readonly started: ReadonlySet<string>;
}

/** Computes the budget of a chain. */
export async function readBudget(pool: Pool, { chain, config, reader, sender }: ChainPort): Promise<Budget> {
  const open = await listPayments(pool, chain);
  // The nonce is read before the balances: a payment that is mined in between is subtracted twice rather than not at all.
  const unused = await sender.nextSequence(sender.treasury);
  const unmined: OpenPayment[] = [];
  for (const payment of open) {
    if (payment.sender !== sender.treasury || payment.sequence < unused) continue;
    if (!(await sender.isMined?.(payment.attempts))) unmined.push(payment);
  }
  const tokens = new Map<Stablecoin, bigint>();
  for (const { currency } of config.tokens) {
    const [held = 0n] = await reader.tokenBalances(currency, [sender.treasury]);
    tokens.set(currency, held - leavingIn(currency, unmined));
  }
  const started = new Set(open.map(({ id }) => id));
  const most = sender.isMined ? limits.unorderedPaymentsInFlight : limits.paymentsInFlight;
  // A reservation can be released only while it is the last. Nothing is reserved after one that is not signed yet.
  const isUnsigned = open.some(
    ({ attempts, sender: from }) => from === sender.treasury && attempts.length === 0,
  );
  return { free: isUnsigned ? 0 : most - unmined.length, tokens, started };
}

function leavingIn(currency: Stablecoin, payments: readonly OpenPayment[]): bigint {
  return payments.reduce(
    (sum, { intent }) => (isPaidOut(intent) && intent.currency === currency ? sum + intent.amount : sum),
    0n,
  );
}

/** Whether a payment leaves for an address that is not of this deployment. */
export function isPaidOut(
  intent: PaymentIntent,
): intent is PaymentIntent & { kind: 'transfer' | 'deposit_return' } {
  return intent.kind === 'transfer' || intent.kind === 'deposit_return';
}
