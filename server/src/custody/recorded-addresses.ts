import type { Chain } from '../chains/registry.ts';
import { chainFamily } from '../chains/registry.ts';
import { limits } from '../platform/limits.ts';
import type { Pool } from '../store/pool.ts';
import { createDeriver } from './derivation.ts';

/** The result of comparing a seed with the recorded addresses. */
export interface AddressCheck {
  /** The wallets with addresses. */
  readonly wallets: number;
  /** The first wallet with an address that does not derive from the seed. */
  readonly differing: string | undefined;
}

/**
 * Checks whether every recorded deposit address derives from a seed.
 *
 * @param seed 64 bytes
 */
export async function checkRecordedAddresses(pool: Pool, seed: Uint8Array): Promise<AddressCheck> {
  const deriver = createDeriver(seed);
  let wallets = 0;
  let after = -1n;
  for (;;) {
    // A wallet without addresses counts towards the page: a short page is the last one.
    const { rows } = await pool.query<{ id: string; index: bigint; addresses: Record<Chain, string> | null }>(
      `select w.id, w.derivation_index as index, (select jsonb_object_agg(a.chain, a.address)
          from deposit_addresses a where a.bucket = w.bucket and a.wallet_id = w.id) as addresses
        from wallets w where w.derivation_index > $1 order by w.derivation_index limit $2`,
      [after.toString(), limits.verifyPageRows],
    );
    for (const { addresses, id, index } of rows) {
      after = index;
      if (!addresses) continue;
      const differs = Object.entries(addresses).some(
        ([chain, address]) => deriver.address(chainFamily(chain as Chain), Number(index)) !== address,
      );
      if (differs) return { wallets, differing: id };
      wallets += 1;
    }
    if (rows.length < limits.verifyPageRows) return { wallets, differing: undefined };
  }
}
