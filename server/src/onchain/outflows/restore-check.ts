import type { ChainPort, SeenTransfer } from '../../chains/port.ts';
import { limits } from '../../platform/limits.ts';
import type { Pool } from '../../store/pool.ts';
import { readCursor } from '../cursor.ts';
import { findUnknownMovements } from './check.ts';
import { listUnknown, type Outflow } from './queries.ts';
import { compareSequences } from './sequences.ts';

/** A nonce that the chain has used, and the books did not give out. */
export interface UnknownNonce {
  readonly sender: string;
  readonly sequence: bigint;
}

/** What a chain knows of our addresses and a database does not. */
export interface RestoreCheck {
  /** The newest block, and the last one that the database has read to its end. */
  readonly head: number;
  readonly confirmed: number;
  readonly nonces: readonly UnknownNonce[];
  /** What left the treasury in later blocks. */
  readonly movements: readonly SeenTransfer[];
  /** What servers have recorded already. */
  readonly recorded: readonly Outflow[];
}

/**
 * Compares a database with a chain before it is served, for example after it was restored. Writes nothing.
 *
 * @returns undefined if no server has followed the chain yet
 * @throws ChainError if the nodes do not respond or do not agree
 */
export async function checkRestored(pool: Pool, port: ChainPort): Promise<RestoreCheck | undefined> {
  const {
    chain,
    config,
    reader,
    sender: { treasury },
  } = port;
  const cursor = await readCursor(pool, chain);
  if (!cursor || treasury === '') return undefined;
  const { height: head } = await reader.head();
  const nonces: UnknownNonce[] = [];
  if (config.family === 'evm') {
    for (const sender of await listSenders(pool, chain, treasury)) {
      const { unknown } = await compareSequences(pool, port, sender);
      nonces.push(...unknown.map((sequence) => ({ sender, sequence })));
    }
  }
  const movements = await findUnknownMovements(pool, port, cursor.confirmed + 1, head);
  const recorded = await listUnknown(pool, chain);
  return { head, confirmed: cursor.confirmed, nonces, movements, recorded };
}

/** The treasury, and deposit addresses that have sent something or may have to. */
async function listSenders(pool: Pool, chain: string, treasury: string): Promise<string[]> {
  const { rows } = await pool.query<{ sender: string }>(
    `select sender from chain_sequences where chain = $1
      union select address from sweep_candidates where chain = $1 limit $2`,
    [chain, limits.restoreCheckSenders],
  );
  return [...new Set([treasury, ...rows.map(({ sender }) => sender)])];
}
