import type { FaultServer } from './fault-servers.ts';
import { type Sent, sendWhile } from './load.ts';

/** A load that a fault falls into, and that goes on until the server has recovered by itself. */

const recoveredAfter = 100;
const recoverTimeoutMs = 30_000;

/**
 * Sends from many clients concurrently while `fault` runs, and then until a hundred more requests have been acknowledged.
 *
 * @returns everything that was sent
 * @throws Error when nothing is acknowledged any more: the server does not recover
 */
export async function sendThrough(
  servers: readonly FaultServer[],
  draw: () => Sent,
  clients: number,
  fault: () => Promise<void>,
): Promise<Sent[]> {
  const callers = servers.map(({ caller }) => caller);
  let acknowledged = 0;
  const onAnswer = (): void => {
    acknowledged += 1;
  };
  let goal = Number.POSITIVE_INFINITY;
  let isLate = false;
  const goOn = (): boolean => !isLate && acknowledged < goal;
  const sending = sendWhile(callers, draw, clients, goOn, { onAnswer });
  await fault();
  goal = acknowledged + recoveredAfter;
  const timer = setTimeout(() => {
    isLate = true;
  }, recoverTimeoutMs);
  const sent = await sending;
  clearTimeout(timer);
  if (acknowledged < goal) {
    const said = servers.map(({ process }) => process.stderr().slice(-2000)).join('\n');
    throw new Error(`No request is acknowledged ${recoverTimeoutMs} ms after the fault: ${said}`);
  }
  return sent;
}
