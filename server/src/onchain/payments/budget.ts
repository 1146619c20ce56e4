import type { ChainPort } from '../../chains/port.ts';
import type { Stablecoin } from '../../chains/registry.ts';
import { type PaymentIntent, servesSweeps } from '../../chains/signing.ts';
import { limits } from '../../platform/limits.ts';
import type { Pool } from '../../store/pool.ts';
import { listPayments, type OpenPayment } from './queries.ts';

/** What can still be signed in a turn. */
export interface Budget {
  /** How many more of the treasury's transactions may be pending. */
  free: number;
  /** How many of them may be sweeps and top-ups: never so many that payments find no place. */
  freeForSweeps: number;
  /** The treasury's native coin minus the maximum that signed transactions which are not mined may take, in the smallest unit. */
  native: bigint;
  /** The treasury's token balances minus the amounts that are signed and not mined. */
  readonly tokens: Map<Stablecoin, bigint>;
  /** The open payments. */
  readonly open: readonly OpenPayment[];
  /** The ids of the open payments. */
  readonly started: ReadonlySet<string>;
}

/** Computes the budget of a chain. */
export async function readBudget(pool: Pool, { chain, config, reader, sender }: ChainPort): Promise<Budget> {
  const open = await listPayments(pool, chain);
  const { treasury } = sender;
  // The nonce is read before the balances: a payment that is mined in between is subtracted twice rather than not at all.
  const unused = await sender.nextSequence(treasury);
  const unmined: OpenPayment[] = [];
  let native = 0n;
  for (const payment of open) {
    const { attempts, intent, sequence } = payment;
    const newest = attempts.at(-1);
    const cost = newest && sender.costOf(intent, newest.terms);
    const isSent = payment.sender === treasury;
    if (!isSent && cost?.payer !== treasury) continue;
    if (isSent && sequence < unused) continue;
    if (await sender.isMined?.(attempts)) continue;
    if (cost?.payer === treasury) native -= cost.native;
    if (isSent) unmined.push(payment);
  }
  native += await reader.nativeBalance(treasury);
  const tokens = new Map<Stablecoin, bigint>();
  for (const { currency } of config.tokens) {
    const [held = 0n] = await reader.tokenBalances(currency, [treasury]);
    tokens.set(currency, held - leavingIn(currency, unmined));
  }
  const started = new Set(open.map(({ id }) => id));
  const isBlocked = open.some((payment) => payment.sender === treasury && payment.attempts.length === 0);
  // A reservation can be released only while it is the last. Nothing is reserved after one that is not signed yet.
  const places = isBlocked
    ? { free: 0, freeForSweeps: 0 }
    : placesOf(open, unmined, sender.isMined !== undefined);
  return { ...places, native, tokens, open, started };
}

/**
 * Computes how many more transactions may be pending.
 *
 * @param unmined the treasury's own that are in no block
 * @param isUnordered whether nothing keeps payments in order
 */
function placesOf(
  open: readonly OpenPayment[],
  unmined: readonly OpenPayment[],
  isUnordered: boolean,
): Pick<Budget, 'free' | 'freeForSweeps'> {
  const free = (isUnordered ? limits.unorderedPaymentsInFlight : limits.paymentsInFlight) - unmined.length;
  const sweeps = open.filter(({ intent }) => servesSweeps(intent));
  const waiting = sweeps.filter((payment) => unmined.includes(payment));
  const freeForSweeps = Math.min(
    limits.sweepsInFlight - waiting.length,
    limits.unorderedPaymentsInFlight - sweeps.length,
    free,
  );
  return { free, freeForSweeps };
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
