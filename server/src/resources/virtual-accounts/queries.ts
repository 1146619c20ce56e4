import { ApiError, notFound } from '../../platform/errors.ts';
import { convertAmount, currencyScale, parseRatio } from '../../platform/money.ts';
import type { Vault } from '../../platform/seal.ts';
import type { ConversionRate } from '../../rates/conversion.ts';
import type { Db } from '../../store/database.ts';
import { findRow, isOwn } from '../../store/find.ts';
import { readPageRows, selectList } from '../../store/list.ts';
import { type Page, type PageRequest, toPage } from '../../store/paging.ts';
import type { TransactionRow } from '../../store/tables/transactions.ts';
import type { VirtualAccountRow } from '../../store/tables/wallets.ts';
import { readAvailable } from '../crypto-wallets/queries.ts';
import { type HeldCurrency, heldCurrencies } from '../crypto-wallets/state.ts';
import { printAmount } from '../fields.ts';
import { balanceJson } from './schema.ts';

/**
 * Finds a virtual account by its id.
 *
 * @throws ApiError 404 if the environment has none by that id
 */
export async function requireVirtualAccount(
  db: Db,
  environmentId: string,
  id: string,
): Promise<VirtualAccountRow> {
  const row = await findRow(db, 'virtual_accounts', environmentId, id);
  if (!row) throw new ApiError(notFound('virtual account'));
  return row;
}

/** A page of the environment's virtual accounts, newest first. */
export async function listVirtualAccounts<Item>(
  db: Db,
  environmentId: string,
  filter: { customerId?: string | undefined; sourceCurrency?: string | undefined },
  page: PageRequest,
  vault: Vault,
  toItem: (row: VirtualAccountRow) => Item,
): Promise<Page<Item>> {
  const list = selectList(db, 'virtual_accounts', {
    environment_id: environmentId,
    customer_id: filter.customerId,
    source_currency: filter.sourceCurrency,
  });
  const rows = await readPageRows(list, page);
  await vault.prepare(rows.map((row) => row.deposit_instructions));
  return toPage(rows, page.limit, toItem, isOwn(db, 'virtual_accounts'));
}

/** A page of the deposits to a virtual account, newest first. */
export async function listHistory<Item>(
  db: Db,
  { id: virtualAccountId }: VirtualAccountRow,
  page: PageRequest,
  vault: Vault,
  toItem: (row: TransactionRow) => Item,
): Promise<Page<Item>> {
  const list = selectList(db, 'transactions', { virtual_account_id: virtualAccountId });
  const rows = await readPageRows(list, page);
  await vault.prepare(rows.map((row) => row.sender_name));
  return toPage(rows, page.limit, toItem);
}

/**
 * The value of the linked wallet's available balance in the source currency, as JSON text. Each currency is converted at the
 * current rate of a payout, rounded down.
 *
 * @param convert the rate from a held currency to the source currency; undefined if there is no current one
 * @returns undefined if a rate is missing
 */
export async function readValue(
  db: Db,
  row: VirtualAccountRow,
  convert: (from: HeldCurrency) => ConversionRate | undefined,
): Promise<string | undefined> {
  const available = await readAvailable(db, { bucket: row.bucket, id: row.wallet_id });
  let total = 0n;
  for (const currency of heldCurrencies) {
    const minor = available.get(currency) ?? 0n;
    const conversion = minor === 0n ? undefined : convert(currency);
    if (minor > 0n && !conversion) return undefined;
    const scales = [currencyScale[currency], currencyScale[row.source_currency]] as const;
    if (conversion) total += convertAmount(minor, ...scales, parseRatio(conversion.rate), 'down');
  }
  const rate = convert('usdc');
  return (
    rate &&
    balanceJson({
      virtualAccountId: row.id,
      balance: printAmount(total, row.source_currency),
      currency: row.source_currency,
      exchangeRate: rate.isParity ? null : rate.rate,
    })
  );
}
