import { setImmediate as nextTurn } from 'node:timers/promises';
import { limits } from '../platform/limits.ts';
import type { Queryable } from '../store/pool.ts';
import type { Problem } from './verify-checks.ts';

/** Derives a wallet's addresses from the seed, by the wallet's derivation index. */
export type AddressSource = (index: number) => Promise<readonly { chain: string; address: string }[]>;

interface WalletPage {
  readonly id: string;
  readonly index: bigint;
  readonly addresses: Readonly<Record<string, string>> | null;
}

/**
 * Compares the stored deposit addresses with those derived from the seed, newest wallets first. It yields to other work of the
 * process after each wallet: deriving an address takes about a millisecond.
 *
 * @param scope only the wallets of this environment; null for all
 * @param most how many wallets are compared
 */
export async function verifyAddresses(
  client: Queryable,
  addressesAt: AddressSource,
  scope: string | null,
  most: number,
): Promise<Problem[]> {
  const problems: Problem[] = [];
  let left = most;
  for (let before: bigint | null = null; left > 0 && problems.length < limits.verifyProblems; ) {
    const size = Math.min(left, limits.verifyAddressPage);
    const page = await readPage(client, scope, before, size);
    for (const wallet of page) {
      problems.push(...(await compare(wallet, addressesAt)));
      await nextTurn();
    }
    if (page.length < size) return problems;
    left -= page.length;
    before = page.at(-1)?.index ?? null;
  }
  return problems;
}

async function compare({ addresses, id, index }: WalletPage, addressesAt: AddressSource): Promise<Problem[]> {
  const derived = new Map((await addressesAt(Number(index))).map(({ address, chain }) => [chain, address]));
  // The address on a chain that was added after the wallet may be missing, but no address may differ.
  return Object.entries(addresses ?? {})
    .filter(([chain, address]) => derived.get(chain) !== address)
    .map(([chain]) => ({
      kind: 'deposit_address_wrong',
      id,
      accountId: null,
      journalId: null,
      message: `its address on ${chain} differs from the one derived from the seed`,
    }));
}

async function readPage(
  client: Queryable,
  scope: string | null,
  before: bigint | null,
  size: number,
): Promise<WalletPage[]> {
  const { rows } = await client.query<Omit<WalletPage, 'addresses'> & { addresses: string | null }>(
    `select w.id, w.derivation_index as index, (select json_object_agg(a.chain, a.address)
        from deposit_addresses a where a.bucket = w.bucket and a.wallet_id = w.id) as addresses
      from wallets w where ($1::text is null or w.environment_id = $1)
        and ($2::int8 is null or w.derivation_index < $2)
      order by w.derivation_index desc limit $3`,
    [scope, before === null ? null : before.toString(), size],
  );
  return rows.map((row) => ({
    ...row,
    addresses: row.addresses === null ? null : (JSON.parse(row.addresses) as Record<string, string>),
  }));
}
