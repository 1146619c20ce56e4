import { gasFeeMinor } from '../chains/gas-fee.ts';
import { endPayment, type OpenPayment, signPlaced } from '../chains/payments.ts';
import type { ChainPort, PaymentState } from '../chains/port.ts';
import type { Stablecoin } from '../chains/registry.ts';
import { SignerRefusal } from '../custody/intent.ts';
import { assert } from '../platform/errors.ts';
import { parseRatio } from '../platform/money.ts';
import type { RateProvider } from '../rates/provider.ts';
import { completeTransfer, failTransfer, submitTransfer } from '../resources/transfers/on-chain.ts';
import type { LiveTransfer } from '../resources/transfers/queries.ts';
import type { Pool } from '../store/pool.ts';
import type { Writer } from '../writer/writer.ts';
import { signPlacedPayment } from './chain-sign.ts';

/** What following a payment needs. */
export interface FollowDeps {
  readonly pool: Pool;
  readonly writer: Writer;
  readonly port: ChainPort;
  readonly rates: RateProvider | undefined;
}

/**
 * Looks at one payment that is on its way, and does what is next for it.
 *
 * @param transfer what it pays; undefined for errands of our own
 * @returns what keeps it waiting, in words, if that is for the operator
 */
export async function followPayment(
  deps: FollowDeps,
  payment: OpenPayment,
  transfer: LiveTransfer | undefined,
): Promise<string | undefined> {
  const { pool, port } = deps;
  const { attempts } = payment;
  const last = attempts.at(-1);
  if (!last) {
    const signed = await signPlacedPayment(pool, port, payment);
    if ('note' in signed) return signed.note;
    if ('attempt' in signed) await tellAndSend(deps, transfer, signed.attempt);
    return undefined;
  }
  // The process may have ended between the storing and the telling.
  if (transfer?.status === 'funds_received') await tell(deps, transfer, last.txHash);
  const state = await port.sender.follow(payment, attempts, Date.now() - payment.signedAtMs);
  switch (state.kind) {
    case 'waiting':
      if (!state.isKnown) await port.sender.broadcast(last);
      return undefined;
    case 'stuck':
      return replace(deps, payment, transfer, state.terms);
    case 'displaced':
      return `The place ${payment.sequence} of ${payment.sender} was taken by another transaction than those of ${payment.id}.`;
    case 'final':
      if (transfer) await end(deps, transfer, state);
      await endPayment(pool, payment.id, state);
      return undefined;
  }
}

async function tell({ writer }: FollowDeps, transfer: LiveTransfer, txHash: string): Promise<void> {
  await writer.submit(submitTransfer(transfer, txHash));
}

/** The transfer is told before anybody else is: nothing is in the chain that the API does not know of. */
export async function tellAndSend(
  deps: FollowDeps,
  transfer: LiveTransfer | undefined,
  attempt: { readonly txHash: string; readonly raw: string; readonly terms: string },
): Promise<void> {
  if (transfer) await tell(deps, transfer, attempt.txHash);
  await deps.port.sender.broadcast(attempt);
}

/** The same payment in the same place, for a higher fee: of the two, the chain takes one. */
async function replace(
  deps: FollowDeps,
  payment: OpenPayment,
  transfer: LiveTransfer | undefined,
  terms: string,
): Promise<string | undefined> {
  try {
    const again = await signPlaced(deps.pool, deps.port, payment, payment.attempts, terms);
    await tellAndSend(deps, transfer, again);
    return undefined;
  } catch (error) {
    if (error instanceof SignerRefusal) return `The signer refuses a higher fee: ${error.message}`;
    throw error;
  }
}

async function end(
  { port, rates, writer }: FollowDeps,
  transfer: LiveTransfer,
  state: PaymentState & { kind: 'final' },
): Promise<void> {
  if (!state.ok) {
    const cause = { code: null, text: 'The chain refused the transaction.' };
    await writer.submit(failTransfer(transfer, 'payment_submitted', cause));
    return;
  }
  const eurPerUsd = rates?.quote('usd', 'eurc', Date.now())?.midRate;
  const fee = gasFeeMinor(
    state.feeNative,
    port.nativeUnit,
    transfer.source_currency as Stablecoin,
    port.config.nativeUsd,
    eurPerUsd === undefined ? undefined : parseRatio(eurPerUsd),
  );
  const outcome = await writer.submit(completeTransfer(transfer, state.txHash, fee));
  assert(
    outcome.kind === 'accepted' || transfer.status !== 'payment_submitted',
    'a mined transfer completes',
  );
}
