import { type BlockingReason, ChainError } from '../../chains/errors.ts';
import type { ChainPort } from '../../chains/port.ts';
import { limits } from '../../platform/limits.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Metrics } from '../../platform/metrics.ts';
import type { Pool } from '../../store/pool.ts';
import { createOutflowCheck } from '../outflows/check.ts';
import { type Hold, listHolds } from './queries.ts';

/** Decides whether payments, sweeps and top-ups of a chain may be signed now. */
export interface SigningGate {
  /** Why nothing may be signed; undefined if it may. Ask before anything is reserved. */
  blockedBy(): Promise<BlockingReason | undefined>;
}

export interface GateDeps {
  readonly pool: Pool;
  readonly port: ChainPort;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Identifies this process. */
  readonly leaseOwner: string;
}

/**
 * Creates the gate of a chain. It reads the holds at every question, so that one that another process opens counts immediately, and
 * is closed until what has left the treasury has been checked.
 */
export function createSigningGate({ leaseOwner, logger, metrics, pool, port }: GateDeps): SigningGate {
  const { chain, config } = port;
  const check = createCheck({ pool, port, leaseOwner }, config.pollMs);
  let reported = new Map<string, Hold>();
  const report = (holds: readonly Hold[]): void => {
    const open = new Map(holds.map((hold) => [hold.id, hold]));
    for (const { detail, id, kind, openedBy } of holds) {
      if (reported.has(id)) continue;
      metrics.chainHeld.set({ chain, kind }, 1);
      logger.warn({ chain, kind, detail, by: openedBy }, 'payments of the chain are held');
    }
    for (const { id, kind } of reported.values()) {
      if (open.has(id)) continue;
      if (!holds.some((hold) => hold.kind === kind)) metrics.chainHeld.set({ chain, kind }, 0);
      logger.info({ chain, kind }, 'a hold of the chain was released');
    }
    reported = open;
  };
  return {
    async blockedBy() {
      const unchecked = await check();
      const holds = await listHolds(pool, chain);
      report(holds);
      if (holds.length === 0)
        return unchecked === undefined ? undefined : { policy: 'stop_signing', text: unchecked };
      const texts = holds.map(({ detail, kind }) => `${kind}: ${detail}`);
      return { policy: 'stop_signing', text: `Payments of ${chain} are held. ${texts.join(' ')}` };
    },
  };
}

/** Asks the check from time to time, and again in the next turn while it has not passed. */
function createCheck(deps: Parameters<typeof createOutflowCheck>[0], everyMs: number) {
  const check = createOutflowCheck(deps);
  let asked: Promise<string | undefined> | undefined;
  let nextMs = 0;
  let nextInMs = 0;
  const ask = async (): Promise<string | undefined> => {
    nextInMs = everyMs;
    try {
      const waitsFor = await check.blockedBy();
      if (waitsFor === undefined) nextInMs = Math.max(everyMs, limits.outflowCheckMs);
      return waitsFor;
    } catch (error) {
      if (error instanceof ChainError) return error.message;
      throw error;
    }
  };
  return (): Promise<string | undefined> => {
    if (asked === undefined || performance.now() >= nextMs) {
      nextMs = Number.POSITIVE_INFINITY;
      asked = ask().finally(() => {
        nextMs = performance.now() + nextInMs;
      });
    }
    return asked;
  };
}

/** Returns the port with a sender that prepares and signs nothing while the gate is closed, whoever asks it. */
export function guardSigning(port: ChainPort, gate: SigningGate): ChainPort {
  const { sender } = port;
  return {
    ...port,
    sender: {
      ...sender,
      async prepare(id, intent) {
        const blockedBy = await gate.blockedBy();
        return blockedBy ? { blockedBy } : sender.prepare(id, intent);
      },
      async sign(...signing) {
        const blockedBy = await gate.blockedBy();
        if (blockedBy) throw new ChainError(blockedBy.text, 'held');
        return sender.sign(...signing);
      },
    },
  };
}
