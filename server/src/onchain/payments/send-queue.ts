import type { ChainPort, PaymentIntent, PlacedPayment, SignedAttempt } from '../../chains/port.ts';
import type { Stablecoin } from '../../chains/registry.ts';
import { SignerRefusal } from '../../chains/signing.ts';
import { limits } from '../../platform/limits.ts';
import type { Pool } from '../../store/pool.ts';
import { listPayments, type OpenPayment, placePayment, releasePlace, signPlaced } from './queries.ts';

/**
 * What came of trying to sign something; `note` says in words what keeps it waiting. What is refused for good has a
 * text for the client.
 */
export type Signed =
  | { readonly attempt: SignedAttempt }
  | { readonly note: string; readonly refusal?: string }
  | { readonly known: true };

/**
 * Prepares a payment, gives it a place, signs and stores it. Broadcasting it is left to the caller.
 *
 * @param id names the payment for good
 */
export async function signNewPayment(
  pool: Pool,
  port: ChainPort,
  id: string,
  intent: PaymentIntent,
): Promise<Signed> {
  const { sender } = port;
  const prepared = await sender.prepare(id, intent);
  if ('obstacle' in prepared) {
    const { isRefused, obstacle: note } = prepared;
    return isRefused ? { note, refusal: refusedByContract } : { note };
  }
  const from = intent.kind === 'sweep' ? intent.address : sender.treasury;
  const used = await sender.nextSequence(from);
  const placed = await placePayment(pool, port.chain, from, id, intent, used);
  return placed ? signOrRelease(pool, port, placed, prepared.terms) : { known: true };
}

/** What the client is told. */
const refusedByContract = 'The token contract refuses it.';
const tooLarge = 'It is larger than what may be sent at once.';

/** A place without a signature is left by a process that ended in between: it is signed now. */
export async function signPlacedPayment(pool: Pool, port: ChainPort, payment: OpenPayment): Promise<Signed> {
  const prepared = await port.sender.prepare(payment.id, payment.intent);
  if ('obstacle' in prepared) {
    // The signer may have seen this place already: it would refuse the same payment in another one.
    if (prepared.isRefused) await releasePlace(pool, port.chain, payment);
    return { note: prepared.obstacle };
  }
  return signOrRelease(pool, port, payment, prepared.terms);
}

async function signOrRelease(
  pool: Pool,
  port: ChainPort,
  payment: PlacedPayment,
  terms: string,
): Promise<Signed> {
  try {
    return { attempt: await signPlaced(pool, port, payment, [], terms) };
  } catch (error) {
    if (!(error instanceof SignerRefusal)) throw error;
    await releasePlace(pool, port.chain, payment);
    // What is not proven has to be found among all that wait.
    const which = error.code === 'not_proven' ? ` ${payment.id}` : '';
    const note = `The signer refuses${which}: ${error.message}`;
    // The day's limit is another one tomorrow, and the rest is for the operator to mend: what is not proven may have been
    // changed in the database, and stays as it is until somebody has looked. One amount never gets smaller.
    return error.code === 'over_transfer_limit' ? { note, refusal: tooLarge } : { note };
  }
}

/** What may still be signed in a turn. */
export interface Budget {
  /** How many more of the treasury's transactions may wait for a block. */
  free: number;
  /** What the treasury holds of each token, less what is signed and not mined yet. */
  readonly tokens: Map<Stablecoin, bigint>;
  /** The ids of the payments that are on their way. */
  readonly started: ReadonlySet<string>;
}

/** Works out what may be signed now. */
export async function readBudget(pool: Pool, { chain, config, reader, sender }: ChainPort): Promise<Budget> {
  const open = await listPayments(pool, chain);
  // The order is asked for first: what gets mined in between is then subtracted twice rather than not at all.
  const used = await sender.nextSequence(sender.treasury);
  const unmined: OpenPayment[] = [];
  for (const payment of open) {
    if (payment.sender !== sender.treasury || payment.sequence < used) continue;
    if (!(await sender.isMined?.(payment.attempts))) unmined.push(payment);
  }
  const tokens = new Map<Stablecoin, bigint>();
  for (const { currency } of config.tokens) {
    const [held = 0n] = await reader.tokenBalances(currency, [sender.treasury]);
    const leaving = unmined.flatMap(({ intent }) =>
      intent.kind === 'transfer' && intent.currency === currency ? [intent.amount] : [],
    );
    tokens.set(
      currency,
      leaving.reduce((left, amount) => left - amount, held),
    );
  }
  const started = new Set(open.map(({ id }) => id));
  const most = sender.isMined ? limits.unorderedPaymentsInFlight : limits.paymentsInFlight;
  // A place that is refused is given back only while it is the last: behind one that is not signed yet there is none.
  const isUnsigned = open.some(
    ({ attempts, sender: from }) => from === sender.treasury && attempts.length === 0,
  );
  return { free: isUnsigned ? 0 : most - unmined.length, tokens, started };
}
