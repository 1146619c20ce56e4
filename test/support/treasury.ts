import type { App } from '../../server/src/app.ts';
import { runSql } from './database.ts';
import type { TestServer } from './server.ts';

/** What operators decide about, on a server that follows no chain: their orders are taken, and nothing carries them out. */

const treasury = '0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359';
const stranger = '0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB';

/** Starts a second server on the database, where the live key may use the routes of the treasury. */
export async function startTreasury(server: TestServer): Promise<App> {
  const { rows } = await server.app.pool.query<{ id: string }>(
    `select k.id from api_keys k join environments e on e.id = k.environment_id where e.kind = 'live'`,
  );
  return server.second({ treasuryKeys: [rows[0]?.id ?? ''] });
}

/** Stores that the chain `base` was followed once, so that its treasury is known. */
export async function storeTreasury({ databaseUrl }: TestServer): Promise<void> {
  await runSql(
    databaseUrl,
    `insert into chain_cursors (chain, network, scanned_height, confirmed_height, updated_at, treasury)
      values ('base', '8453', 7, 7, now(), '${treasury}')`,
  );
}

/** Stores a deposit of dust on `base` that was not credited. @returns its id */
export async function storeUncredited({ ownerPool }: TestServer, number: number): Promise<string> {
  const txHash = `0x${number.toString(16).padStart(64, '0')}`;
  const id = `base:${txHash}:usdc:${stranger}:0`;
  await ownerPool.query(
    `insert into uncredited_deposits (chain, id, tx_hash, height, reason, token, address, amount, received, currency, seen_at)
      values ('base', $1, $2, 7, 'below_minimum', $3, $4, '5000', '5000', 'usdc', now())`,
    [id, txHash, `0x${'cd'.repeat(20)}`, stranger],
  );
  return id;
}

/** Stores an open payment of the treasury on `base` that supplies an address with native coin. @returns its id */
export async function storeTopUp({ ownerPool }: TestServer, number: number): Promise<string> {
  const id = `top_up:${number}`;
  const row = {
    ...{ chain: 'base', id, kind: 'top_up', sender: treasury, sequence: BigInt(number), currency: null },
    ...{ address: `0x${number.toString(16).padStart(40, '0')}`, wallet_index: number },
    ...{ amount: '1000', status: 'open' },
  };
  await ownerPool.query(
    `insert into chain_payments
        (chain, id, kind, sender, sequence, currency, address, wallet_index, amount, status, created_at, updated_at, mac)
      values ($1, $2, 'top_up', $3, $4, null, $5, $6, 1000, 'open', now(), now(), $7)`,
    [
      row.chain,
      id,
      treasury,
      row.sequence,
      row.address,
      number,
      ownerPool.guard.macOf('chain_payments', row),
    ],
  );
  return id;
}
