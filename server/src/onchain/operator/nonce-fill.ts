import type { ChainPort } from '../../chains/port.ts';
import { authenticatedColumns } from '../../store/authenticated-rows.ts';
import type { Pool } from '../../store/pool.ts';
import { inTransaction } from '../../store/transaction.ts';
import { moveAction } from './commands.ts';
import { type ActionHandler, endAction } from './payments.ts';
import { hasNonces, parametersOf } from './state.ts';

/**
 * Fills the gaps in the nonces of the treasury or of a deposit address, one after the other: nonces that the chain waits for and no payment
 * uses. The worker signs and follows the payment that is reserved here like any other.
 */
export const fillNonces: ActionHandler = async (deps, action) => {
  const { pool, port, writer } = deps;
  const address = parametersOf(action).sender ?? '';
  if (!hasNonces(port.chain)) return endAction(deps, action, 'refused', 'Only EVM chains have nonces.');
  const owner = await findOwner(pool, port, address);
  if (!owner) {
    return endAction(deps, action, 'refused', `${address} must be the treasury or a deposit address.`);
  }
  const unused = await port.sender.nextSequence(address);
  const { gap, next } = await findGap(pool, port, address, unused);
  if (gap === undefined) {
    if (action.status === 'requested') {
      const rule = `There is no gap: the chain waits for nonce ${unused}, and the books give out ${next} next.`;
      return endAction(deps, action, 'refused', rule);
    }
    if (await hasOpenFill(pool, port, address)) return undefined;
    return endAction(deps, action, 'done', `The chain waits for nonce ${unused}, and there is no gap.`);
  }
  if (action.status === 'requested') await writer.submit(moveAction(action, 'accepted', null));
  await reserveFill(pool, port, address, owner.index, gap);
  return undefined;
};

/** Finds the key of an address. @returns undefined if it is neither the treasury nor an authentic deposit address */
async function findOwner(
  pool: Pool,
  { chain, sender }: ChainPort,
  address: string,
): Promise<{ readonly index: number | null } | undefined> {
  if (address === sender.treasury) return { index: null };
  return findAddressIndex(pool, chain, address);
}

/** Finds the wallet and the derivation index of a deposit address; undefined if its row is missing or not authentic. */
export async function findAddressIndex(
  pool: Pool,
  chain: string,
  address: string,
): Promise<
  { readonly index: number; readonly walletId: string; readonly environmentId: string } | undefined
> {
  const { rows } = await pool.query<
    { wallet_id: string; derivation_index: bigint; environment_id: string } & Record<string, unknown>
  >(
    `select ${authenticatedColumns('deposit_addresses')}, w.derivation_index, w.environment_id
      from deposit_addresses t join wallets w on w.bucket = t.bucket and w.id = t.wallet_id
        join environments e on e.current_id = w.environment_id and e.kind = 'live'
      where t.chain = $1 and t.address = $2`,
    [chain, address],
  );
  const row = rows.find((found) => pool.guard.admits('deposit_addresses', found));
  return (
    row && { index: Number(row.derivation_index), walletId: row.wallet_id, environmentId: row.environment_id }
  );
}

/** The first nonce from `unused` on that no payment has, before the next one that the books give out. */
async function findGap(
  pool: Pool,
  { chain }: ChainPort,
  address: string,
  unused: bigint,
): Promise<{ readonly gap: bigint | undefined; readonly next: bigint }> {
  const { rows } = await pool.query<{ next_sequence: bigint }>(
    'select next_sequence from chain_sequences where chain = $1 and sender = $2',
    [chain, address],
  );
  const next = rows[0]?.next_sequence ?? unused;
  const taken = await pool.query<{ sequence: bigint }>(
    'select sequence from chain_payments where chain = $1 and sender = $2 and sequence >= $3',
    [chain, address, unused],
  );
  const used = new Set(taken.rows.map(({ sequence }) => sequence));
  for (let at = unused; at < next; at += 1n) if (!used.has(at)) return { gap: at, next };
  return { gap: undefined, next };
}

async function hasOpenFill(pool: Pool, { chain }: ChainPort, address: string): Promise<boolean> {
  const { rowCount } = await pool.query(
    "select from chain_payments where chain = $1 and sender = $2 and kind = 'nonce_fill' and status = 'open' limit 1",
    [chain, address],
  );
  return rowCount === 1;
}

/** Reserves a nonce for a payment of nothing, unless another payment has it. There is one open fill of an address at a time. */
async function reserveFill(
  pool: Pool,
  { chain }: ChainPort,
  address: string,
  index: number | null,
  sequence: bigint,
): Promise<void> {
  const row = {
    ...{
      chain,
      id: `fill:${chain}:${address}:${sequence}`,
      kind: 'nonce_fill',
      sender: address,
      sequence,
      address,
    },
    ...{ currency: null, wallet_index: index, amount: '0', status: 'open' },
  };
  await inTransaction(pool, async (client) => {
    // A payment that is being reserved has the row of the sequence locked.
    await client.query(
      'select next_sequence from chain_sequences where chain = $1 and sender = $2 for update',
      [chain, address],
    );
    await client.query(
      `insert into chain_payments
          (chain, id, kind, sender, sequence, address, wallet_index, amount, status, created_at, updated_at, mac)
        values ($1, $2, 'nonce_fill', $3, $4, $3, $5, 0, 'open', now(), now(), $6) on conflict do nothing`,
      [chain, row.id, address, sequence, index, pool.guard.macOf('chain_payments', row)],
    );
  });
}
