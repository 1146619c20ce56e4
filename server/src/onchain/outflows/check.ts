import type { Block, ChainPort, SeenTransfer, WatchedAddresses } from '../../chains/port.ts';
import { limits } from '../../platform/limits.ts';
import type { Pool } from '../../store/pool.ts';
import { selectUnknown } from './commands.ts';
import { requireKnownSequences } from './sequences.ts';
import { type Beat, markWatched, readTimeline, saveUnsettled } from './watch.ts';

/**
 * Verifies that nothing has left the treasury on the chain that the books did not give out. It does so at the first question of a
 * process, and after a gap in time: the database may then be older than the chain, because it was restored or has failed over.
 */
export interface OutflowCheck {
  /** Why nothing may be signed; undefined once the check has passed. @throws ChainError */
  blockedBy(): Promise<string | undefined>;
}

interface CheckDeps {
  readonly pool: Pool;
  readonly port: ChainPort;
  /** Identifies this process. */
  readonly leaseOwner: string;
}

/** Creates the check of a chain for a process. */
export function createOutflowCheck({ leaseOwner, pool, port }: CheckDeps): OutflowCheck {
  const { chain, config, sender } = port;
  const gapMs = Math.max(limits.chainGapMs, 3 * config.pollMs);
  let watchedAtMs: number | undefined;
  let hasPassed = false;

  return {
    async blockedBy() {
      const beat = await markWatched(pool, chain, leaseOwner, await readTimeline(pool));
      if (!beat) return 'The chain is not followed yet.';
      const isContinued = isContinuous(beat, watchedAtMs, gapMs);
      const isLost = mayHaveLost(beat, watchedAtMs, gapMs);
      watchedAtMs = beat.atMs;
      if (!isContinued) hasPassed = false;
      if (hasPassed) {
        await requireKnownSequences(pool, port, sender.treasury);
        return undefined;
      }
      const head = await port.reader.head();
      const { height } = head;
      if (isLost) await saveUnsettled(pool, chain, height);
      await requireKnownSequences(pool, port, sender.treasury);
      const since = isLost ? height : beat.unsettledHeight;
      const waitsFor = await checkMovements(pool, port, beat.confirmed, head, since);
      if (waitsFor !== undefined) return waitsFor;
      if (since !== undefined) await saveUnsettled(pool, chain, null);
      hasPassed = true;
      return undefined;
    },
  };
}

/** Whether this process has watched the chain since its last question, in this state of the database. */
function isContinuous({ atMs, ownMs }: Beat, watchedAtMs: number | undefined, gapMs: number): boolean {
  return ownMs !== undefined && ownMs === watchedAtMs && atMs >= ownMs && atMs - ownMs <= gapMs;
}

/** Whether the database may have lost what it knew: transactions that it does not know may be signed and not mined yet. */
function mayHaveLost(beat: Beat, watchedAtMs: number | undefined, gapMs: number): boolean {
  const { atMs, isOtherTimeline, newestMs, ownMs } = beat;
  const hasLostMark = watchedAtMs !== undefined && ownMs !== watchedAtMs;
  return atMs < newestMs || atMs - newestMs > gapMs || hasLostMark || isOtherTimeline;
}

/** @returns why nothing may be signed yet; undefined if every movement up to the newest block is known */
async function checkMovements(
  pool: Pool,
  port: ChainPort,
  confirmed: number,
  head: Block,
  unsettled: number | undefined,
): Promise<string | undefined> {
  // Blocks up to `confirmed` have been checked when they were read.
  const final = await port.reader.finalHeight(head);
  if (final - confirmed > port.config.blockRange) {
    return `What left the treasury is checked first: blocks ${confirmed + 1} to ${final} are still to be read.`;
  }
  if (unsettled !== undefined && !(await port.outflows.hasExpiredSince(unsettled))) {
    return `The database may be older than the chain: what may have been signed before block ${unsettled} must have expired first.`;
  }
  const unknown = await findUnknownMovements(pool, port, confirmed + 1, head.height);
  if (unknown.length === 0) return undefined;
  return `What left the treasury is not in the books: ${unknown.map(({ txHash }) => txHash).join(', ')}.`;
}

/** Lists what left the treasury in a range of blocks and the books did not give out, on the word of as many nodes as must agree. */
export async function findUnknownMovements(
  pool: Pool,
  port: ChainPort,
  from: number,
  to: number,
): Promise<SeenTransfer[]> {
  const { chain, config, reader, sender } = port;
  const watched = watchOnlySender(port.comparable(sender.treasury));
  const unknown: SeenTransfer[] = [];
  for (let next = from; next <= to; next += config.blockRange) {
    const last = Math.min(to, next + config.blockRange - 1);
    unknown.push(...(await selectUnknown(pool, chain, await reader.scan(next, last, watched, true))));
  }
  return unknown;
}

/** Watches what leaves one address, and nothing else. */
export function watchOnlySender(sender: string): WatchedAddresses {
  return { size: 0, has: () => false, keys: () => [], sender };
}
