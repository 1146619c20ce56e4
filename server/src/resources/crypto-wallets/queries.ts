import { sql } from 'kysely';
import { walletAccountId } from '../../ledger/accounts.ts';
import type { Db } from '../../store/database.ts';
import { findRow } from '../../store/find.ts';
import { readPageRows, selectList } from '../../store/list.ts';
import { type Page, type PageRequest, toPage } from '../../store/paging.ts';
import type { DepositAddressRow, WalletRow } from '../../store/tables/wallets.ts';
import { printAmount } from '../fields.ts';
import { walletAccountIds } from './commands.ts';
import { balanceJson } from './schema.ts';
import { type HeldCurrency, heldCurrencies } from './state.ts';

/** The wallet by this id, if it is one of the environment's. */
export async function findWallet(db: Db, environmentId: string, id: string): Promise<WalletRow | undefined> {
  return findRow(db, 'wallets', environmentId, id);
}

/** A page of the environment's wallets, newest first. */
export async function listWallets<Item>(
  db: Db,
  environmentId: string,
  filter: { customerId?: string | undefined; status?: string | undefined },
  page: PageRequest,
  toItem: (row: WalletRow) => Item,
): Promise<Page<Item>> {
  const list = selectList(db, 'wallets', {
    environment_id: environmentId,
    customer_id: filter.customerId,
    status: filter.status,
  });
  return toPage(await readPageRows(list, page), page.limit, toItem);
}

async function readAccounts(db: Db, wallet: Pick<WalletRow, 'bucket' | 'id'>): Promise<Map<string, bigint>> {
  const rows = await db
    .selectFrom('accounts')
    .select(['id', 'balance_minor'])
    .where('bucket', '=', wallet.bucket)
    .where('id', 'in', walletAccountIds(wallet.id))
    .execute();
  return new Map(rows.map((row) => [row.id, row.balance_minor]));
}

/** The available balance of each currency, in minor units. */
export async function readAvailable(
  db: Db,
  wallet: Pick<WalletRow, 'bucket' | 'id'>,
): Promise<Map<HeldCurrency, bigint>> {
  const minors = await readAccounts(db, wallet);
  return new Map(
    heldCurrencies.map((currency) => [
      currency,
      minors.get(walletAccountId('wallet_available', wallet.id, currency)) ?? 0n,
    ]),
  );
}

/**
 * The deposits on real chains that are not credited yet, in minor units. USDT is left out, because its value is known once
 * it is converted.
 */
async function readPending(
  db: Db,
  { bucket, id }: Pick<WalletRow, 'bucket' | 'id'>,
): Promise<Map<string, bigint>> {
  const rows = await db
    .selectFrom('chain_deposits')
    .select(['currency', sql<string>`sum(amount_minor)::text`.as('total')])
    .where('bucket', '=', bucket)
    .where('wallet_id', '=', id)
    .where('status', 'in', ['pending', 'confirmed'])
    .groupBy('currency')
    .execute();
  return new Map(rows.map(({ currency, total }) => [currency, BigInt(total)]));
}

/**
 * A wallet's balance as JSON text: USDC always, other currencies once the wallet has held them.
 *
 * @param isLive whether its deposits are on real chains, where they wait for confirmations
 */
export async function readBalance(
  db: Db,
  wallet: Pick<WalletRow, 'bucket' | 'id'>,
  isLive: boolean,
): Promise<string> {
  const [minors, waiting] = await Promise.all([
    readAccounts(db, wallet),
    isLive ? readPending(db, wallet) : new Map<string, bigint>(),
  ]);
  const balances = heldCurrencies.flatMap((currency) => {
    const available = minors.get(walletAccountId('wallet_available', wallet.id, currency));
    const pending = waiting.get(currency);
    if (currency !== 'usdc' && available === undefined && pending === undefined) return [];
    return [
      {
        currency,
        available: printAmount(available ?? 0n, currency),
        pending: printAmount(pending ?? 0n, currency),
        total: printAmount((available ?? 0n) + (pending ?? 0n), currency),
      },
    ];
  });
  return balanceJson({ walletId: wallet.id, balance: balances[0]?.available ?? '0.00', balances });
}

/**
 * The wallet's deposit addresses.
 *
 * @throws RowNotAuthenticError if one is not authentic: a payment to it would be lost
 */
export async function listDepositAddresses(
  db: Db,
  wallet: Pick<WalletRow, 'bucket' | 'id'>,
): Promise<DepositAddressRow[]> {
  const rows = await db
    .selectFrom('deposit_addresses')
    .selectAll()
    .where('bucket', '=', wallet.bucket)
    .where('wallet_id', '=', wallet.id)
    .execute();
  return rows.map((row) => db.guard.require('deposit_addresses', row));
}
