import { randomUUID } from 'node:crypto';
import { type BlockingReason, blockingReasonOf } from '../../chains/errors.ts';
import type { ChainPort } from '../../chains/port.ts';
import type { PaymentIntent } from '../../chains/signing.ts';
import type { Pool } from '../../store/pool.ts';
import { readBudget } from '../payments/budget.ts';
import { signNewPayment } from '../payments/send-queue.ts';
import { removeSweepCandidate, type SweepCandidate, takeSweepCandidates } from './queries.ts';

interface SweepDeps {
  readonly pool: Pool;
  readonly port: ChainPort;
}

/**
 * Moves deposits to the treasury. If the token implements EIP-3009, the treasury submits an authorization that the deposit address signs.
 * Otherwise the treasury tops the address up with native coin, and the address sends the tokens itself.
 *
 * @param notes receives the reasons why sweeps wait
 */
export async function sweepDeposits({ pool, port }: SweepDeps, notes: string[]): Promise<void> {
  const minimum = port.config.sweepFromMinor;
  if (minimum === undefined) return;
  const candidates = await takeSweepCandidates(pool, port.chain);
  if (candidates.length === 0) return;
  const budget = await readBudget(pool, port);
  for (const candidate of candidates) {
    if (budget.free <= 0) return;
    budget.free -= 1;
    const sweeping = sweepOne(pool, port, candidate, minimum);
    // A sweep that cannot be made must not hold up the others.
    const blockedBy = await sweeping.catch((error) => blockingReasonOf(error, candidate.address));
    if (blockedBy) notes.push(blockedBy.text);
    if (blockedBy?.policy === 'stop_signing') return;
  }
}

async function sweepOne(
  pool: Pool,
  port: ChainPort,
  candidate: SweepCandidate,
  minimum: bigint,
): Promise<BlockingReason | undefined> {
  const { address, currency, index } = candidate;
  if (port.token(currency) === undefined) return undefined;
  const [amount = 0n] = await port.reader.tokenBalances(currency, [address]);
  if (amount < minimum) {
    await removeSweepCandidate(pool, port.chain, candidate);
    return undefined;
  }
  const kind = (await port.sender.takesAuthorizations(currency)) ? 'authorised_sweep' : 'sweep';
  const sweep: PaymentIntent = { kind, currency, amount, address, index };
  if (kind === 'sweep') {
    const missing = await missingCoin(port, sweep);
    if (missing !== undefined) return send(pool, port, { kind: 'top_up', amount: missing, address, index });
  }
  return send(pool, port, sweep);
}

/** The native coin that the deposit address needs for its sweep; undefined if it has enough. */
async function missingCoin(port: ChainPort, sweep: PaymentIntent): Promise<bigint | undefined> {
  const prepared = await port.sender.prepare('estimate', sweep);
  if (!('blockedBy' in prepared) || prepared.nativeNeeded === undefined) return undefined;
  const held = await port.reader.nativeBalance(sweep.address);
  // Fees may rise until the sweep is sent. What remains pays for the next one.
  return prepared.nativeNeeded + prepared.nativeNeeded / 2n - held;
}

/** Sends a deposit address the native coin that it lacks. @param needed the balance that it must have */
export async function sendTopUp(
  pool: Pool,
  port: ChainPort,
  { address, index }: { readonly address: string; readonly index: number },
  needed: bigint,
): Promise<BlockingReason | undefined> {
  const amount = needed + needed / 2n - (await port.reader.nativeBalance(address));
  return send(pool, port, { kind: 'top_up', amount, address, index });
}

async function send(pool: Pool, port: ChainPort, intent: PaymentIntent): Promise<BlockingReason | undefined> {
  const signed = await signNewPayment(pool, port, `${intent.kind}:${randomUUID()}`, intent);
  if ('attempt' in signed) await port.sender.broadcast(signed.attempt);
  return 'blockedBy' in signed ? signed.blockedBy : undefined;
}
