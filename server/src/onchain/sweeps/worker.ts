import { randomUUID } from 'node:crypto';
import { ChainError, type ChainPort, type PaymentIntent } from '../../chains/port.ts';
import type { Pool } from '../../store/pool.ts';
import { readBudget, signNewPayment } from '../payments/send-queue.ts';
import { forgetSweepable, type Sweepable, takeSweepable } from './queries.ts';

interface SweepDeps {
  readonly pool: Pool;
  readonly port: ChainPort;
}

/**
 * Moves deposits into the treasury: where the token lets it, by a signature of the deposit address that the treasury
 * submits; else the treasury gives the address coin for gas, and the address sends the tokens itself.
 *
 * @param notes takes what keeps deposits where they are, in words
 */
export async function sweepDeposits({ pool, port }: SweepDeps, notes: string[]): Promise<void> {
  const from = port.config.sweepFromMinor;
  if (from === undefined) return;
  const found = await takeSweepable(pool, port.chain);
  if (found.length === 0) return;
  const budget = await readBudget(pool, port);
  for (const sweepable of found) {
    if (budget.free <= 0) return;
    budget.free -= 1;
    try {
      const note = await sweepOne(pool, port, sweepable, from);
      if (note !== undefined) notes.push(note);
    } catch (error) {
      // What hinders one sweep need not hinder the others.
      if (!(error instanceof ChainError)) throw error;
      notes.push(error.message);
    }
  }
}

async function sweepOne(
  pool: Pool,
  port: ChainPort,
  sweepable: Sweepable,
  from: bigint,
): Promise<string | undefined> {
  const { address, currency, index } = sweepable;
  if (port.token(currency) === undefined) return undefined;
  const [amount = 0n] = await port.reader.tokenBalances(currency, [address]);
  if (amount < from) {
    await forgetSweepable(pool, port.chain, sweepable);
    return undefined;
  }
  const kind = (await port.sender.takesAuthorizations(currency)) ? 'authorised_sweep' : 'sweep';
  const sweep: PaymentIntent = { kind, currency, amount, address, index };
  if (kind === 'sweep') {
    const needed = await coinNeeded(port, sweep);
    if (needed !== undefined) return sign(pool, port, { kind: 'top_up', amount: needed, address, index });
  }
  return sign(pool, port, sweep);
}

/** How much native coin the deposit address has to be given for its sweep. */
async function coinNeeded(port: ChainPort, sweep: PaymentIntent): Promise<bigint | undefined> {
  const prepared = await port.sender.prepare('estimate', sweep);
  if (!('obstacle' in prepared) || prepared.nativeNeeded === undefined) return undefined;
  const held = await port.reader.nativeBalance(sweep.address);
  // Fees may rise until it is spent; what is left over pays for the next sweep.
  return prepared.nativeNeeded + prepared.nativeNeeded / 2n - held;
}

async function sign(pool: Pool, port: ChainPort, intent: PaymentIntent): Promise<string | undefined> {
  const signed = await signNewPayment(pool, port, `${intent.kind}:${randomUUID()}`, intent);
  if ('attempt' in signed) await port.sender.broadcast(signed.attempt);
  return 'note' in signed ? signed.note : undefined;
}
