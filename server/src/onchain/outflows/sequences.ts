import { ChainError } from '../../chains/errors.ts';
import type { ChainPort, SequenceUse } from '../../chains/port.ts';
import { limits } from '../../platform/limits.ts';
import type { Pool } from '../../store/pool.ts';
import { recordSequences, resolveOutflow } from './commands.ts';
import { type BookedSequences, listOfSender, type Outflow, readSequences } from './queries.ts';

/** A sender's nonces as the chain has used them, beside what the books know. */
export interface ComparedSequences {
  /** Nonces that the chain has certainly used, and the books did not give out or did not sign. */
  readonly unknown: readonly bigint[];
  /** Recorded nonces that no node uses any more: their transactions were dropped before they were mined. */
  readonly vanished: readonly Outflow[];
  readonly used: SequenceUse;
  readonly books: BookedSequences;
}

/**
 * Compares a sender's nonces with the books. Writes nothing.
 *
 * @throws ChainError if too few nodes respond
 */
export async function compareSequences(
  pool: Pool,
  { chain, outflows, sender: { treasury } }: ChainPort,
  sender: string,
): Promise<ComparedSequences> {
  // The chain is read first: what is given out in between is in the books then.
  const used = await outflows.usedSequence(sender);
  const books = await readSequences(pool, chain, sender);
  const recorded = await listOfSender(pool, chain, sender);
  const resolved = new Set(recorded.filter(({ isResolved }) => isResolved).map(({ sequence }) => sequence));
  // A treasury may have been used before its chain was followed. Deposit addresses are made here.
  const next = books.next ?? (sender === treasury ? used.least : 0n);
  const count = Math.min(Number(used.least - next), limits.unknownSequences);
  const beyond = Array.from({ length: Math.max(0, count) }, (_, index) => next + BigInt(index));
  const unknown = [
    ...books.unsigned.filter((sequence) => sequence < used.least && sequence < next),
    ...beyond.filter((sequence) => !books.ofPayments.has(sequence) || books.unsigned.includes(sequence)),
  ].filter((sequence) => !resolved.has(sequence));
  const vanished = recorded.filter(
    ({ isResolved, sequence }) => !isResolved && (sequence ?? 0n) >= used.most,
  );
  return { unknown, vanished, used, books };
}

/**
 * Verifies that the books have given out every nonce that the chain has used for a sender, before the next one is reserved. Holds the
 * chain otherwise. On chains without nonces it does nothing.
 *
 * @throws ChainError `held` if the chain has used a nonce that the books do not know, `unsettled` if the nodes disagree about it
 */
export async function requireKnownSequences(pool: Pool, port: ChainPort, sender: string): Promise<void> {
  if (port.config.family !== 'evm') return;
  const { chain } = port;
  const { books, unknown, used, vanished } = await compareSequences(pool, port, sender);
  for (const { id } of vanished) await resolveOutflow(pool, chain, id, { resolution: 'vanished' });
  if (unknown.length > 0) {
    await recordSequences(pool, chain, sender, unknown);
    const [first] = unknown;
    throw new ChainError(`${sender} has used nonce ${first}, which the books did not give out.`, 'held');
  }
  const isTreasury = sender === port.sender.treasury;
  const next = books.next ?? (isTreasury ? used.most : 0n);
  if (used.most > next && used.least <= next) {
    throw new ChainError(`The nodes disagree about the nonce of ${sender}.`, 'unsettled');
  }
  if (books.next !== undefined && books.next >= used.least) return;
  if (books.next === undefined && !isTreasury) return;
  await pool.query(
    `insert into chain_sequences (chain, sender, next_sequence) values ($1, $2, $3)
      on conflict (chain, sender) do update set next_sequence = greatest(chain_sequences.next_sequence, excluded.next_sequence)`,
    [chain, sender, used.least],
  );
}
