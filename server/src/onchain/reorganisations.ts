import type { Block } from '../chains/port.ts';
import type { Chain } from '../chains/registry.ts';
import { arrayLiteral } from '../store/arrays.ts';
import { authenticatedColumns } from '../store/authenticated-rows.ts';
import type { Pool, PoolClient } from '../store/pool.ts';
import { inTransaction } from '../store/transaction.ts';

/** A reorganisation of blocks whose deposits had been credited. */
export interface DeepReorganisation {
  /** Counts those of the chain, from 1. */
  readonly number: number;
  /** Blocks after this height were replaced. */
  readonly forkHeight: number;
  /** Deposits had been credited up to this height. */
  readonly confirmedHeight: number;
}

/**
 * Records a deep reorganisation and goes back to where the chain forked, in one transaction: blocks after the fork are read again, and
 * payments that ended in them are followed again. Does nothing if another process has moved the cursor.
 *
 * @param former the lowest kept block that was replaced, and the id of the one that replaced it
 * @returns the reorganisation and how many payments were reopened; undefined if another process has moved the cursor
 */
export async function recordReorganisation(
  pool: Pool,
  chain: Chain,
  { confirmed, fork }: { readonly confirmed: number; readonly fork: number },
  { former, replacement }: { readonly former: Block; readonly replacement: string },
): Promise<(DeepReorganisation & { readonly reopened: number }) | undefined> {
  return inTransaction(pool, async (client) => {
    const { rows } = await client.query<{ reorganisations: number }>(
      `update chain_cursors set confirmed_height = $3, scanned_height = $3, reorganisations = reorganisations + 1,
          updated_at = now()
        where chain = $1 and confirmed_height = $2 returning reorganisations`,
      [chain, confirmed, fork],
    );
    const [cursor] = rows;
    if (!cursor) return undefined;
    await client.query('delete from chain_blocks where chain = $1 and height > $2', [chain, fork]);
    // They are stored again if the blocks that are read again contain them. What an operator has dealt with is not dealt with twice.
    await client.query(
      `delete from uncredited_deposits u where u.chain = $1 and u.height > $2
        and not exists (select from operator_actions a where a.subject = u.id)`,
      [chain, fork],
    );
    const reopened = await reopenPayments(pool, client, chain, fork);
    await client.query(
      `insert into chain_reorganisations (chain, number, fork_height, confirmed_height, former_block_id, block_id,
          payments_reopened, detected_at)
        values ($1, $2, $3, $4, $5, $6, $7, now())`,
      [chain, cursor.reorganisations, fork, confirmed, former.id, replacement, reopened],
    );
    return { number: cursor.reorganisations, forkHeight: fork, confirmedHeight: confirmed, reopened };
  });
}

/**
 * Opens the payments again that ended in blocks after the fork. Each keeps its nonce and its signed transactions: one that is in the chain
 * ends again as it did, and any other is broadcast again.
 */
async function reopenPayments(pool: Pool, client: PoolClient, chain: Chain, fork: number): Promise<number> {
  const { rows } = await client.query<Record<string, unknown> & { id: string }>(
    `select ${authenticatedColumns('chain_payments')} from chain_payments t
      where t.chain = $1 and t.height > $2 and t.status in ('completed', 'failed') for update`,
    [chain, fork],
  );
  const authentic = rows.filter((row) => pool.guard.admits('chain_payments', row));
  const macs = authentic.map((row) =>
    pool.guard.macOf('chain_payments', { ...row, status: 'open', tx_hash: null }),
  );
  await client.query(
    `update chain_payments p set status = 'open', tx_hash = null, height = null, fee_native = null, mac = n.mac,
        reopened_at = now(), updated_at = now()
      from unnest($1::text[], $2::text[]) as n(id, mac) where p.id = n.id`,
    [
      arrayLiteral(
        'text',
        authentic.map(({ id }) => id),
      ),
      arrayLiteral('text', macs),
    ],
  );
  return authentic.length;
}

/** Finds the newest deep reorganisation after which credited deposits have not been compared with the new branch yet. */
export async function findUnchecked(pool: Pool, chain: Chain): Promise<DeepReorganisation | undefined> {
  const { rows } = await pool.query<{ number: number; fork_height: bigint; confirmed_height: bigint }>({
    name: 'find_unchecked_reorganisation',
    text: `select max(number) as number, min(fork_height) as fork_height, max(confirmed_height) as confirmed_height
      from chain_reorganisations where chain = $1 and checked_at is null having count(*) > 0`,
    values: [chain],
  });
  const [row] = rows;
  return (
    row && {
      number: row.number,
      forkHeight: Number(row.fork_height),
      confirmedHeight: Number(row.confirmed_height),
    }
  );
}

/** Records that credited deposits have been compared with the new branch. @param reversed how many were reversed */
export async function markChecked(pool: Pool, chain: Chain, number: number, reversed: number): Promise<void> {
  await pool.query(
    `update chain_reorganisations set checked_at = now(),
        deposits_reversed = deposits_reversed + case when number = $2 then $3 else 0 end
      where chain = $1 and number <= $2 and checked_at is null`,
    [chain, number, reversed],
  );
}
