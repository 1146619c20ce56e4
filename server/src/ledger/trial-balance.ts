import { type Currency, currencyScale, formatAmount } from '../platform/money.ts';
import { type PoolClient, queryPatiently } from '../store/pool.ts';
import type { AccountKind } from '../store/tables/ledger.ts';

/** The balances of all accounts of a kind in a currency, each on the side on which it is. */
export interface TrialBalanceLine {
  readonly kind: AccountKind;
  /** The number of accounts. */
  readonly accounts: number;
  readonly debit: string;
  readonly credit: string;
}

/** The trial balance of an environment in a currency. Amounts are decimal texts. */
export interface TrialBalance {
  readonly environmentId: string;
  readonly currency: string;
  readonly lines: readonly TrialBalanceLine[];
  readonly debit: string;
  readonly credit: string;
  /** Debits less credits: zero unless the books are wrong. */
  readonly difference: string;
  readonly isBalanced: boolean;
}

interface SumRow {
  environment_id: string;
  currency: string;
  kind: AccountKind;
  accounts: bigint;
  debit: string;
  credit: string;
}

/** Sums all accounts by environment, currency and kind. @param scope an environment, or null for all */
export async function readTrialBalances(client: PoolClient, scope: string | null): Promise<TrialBalance[]> {
  const { rows } = await queryPatiently<SumRow>(
    client,
    `select environment_id, currency, kind, count(*) as accounts,
        coalesce(sum(signed) filter (where signed > 0), 0)::text as debit,
        coalesce(-sum(signed) filter (where signed < 0), 0)::text as credit
      from (select environment_id, currency, kind,
          case normal_side when 'debit' then balance_minor else -balance_minor end as signed
        from accounts where ($1::text is null or environment_id = $1)) a
      group by environment_id, currency, kind order by environment_id, currency, kind`,
    [scope],
  );
  const groups = new Map<string, SumRow[]>();
  for (const row of rows) {
    const name = `${row.environment_id} ${row.currency}`;
    groups.set(name, [...(groups.get(name) ?? []), row]);
  }
  return [...groups.values()].map(sumUp);
}

function sumUp(rows: SumRow[]): TrialBalance {
  const { currency, environment_id: environmentId } = rows[0] as SumRow;
  const print = (minor: bigint): string => formatAmount(minor, currencyScale[currency as Currency] ?? 0);
  const total = (side: 'debit' | 'credit'): bigint => rows.reduce((sum, row) => sum + BigInt(row[side]), 0n);
  const [debit, credit] = [total('debit'), total('credit')];
  return {
    environmentId,
    currency,
    lines: rows.map((row) => ({
      kind: row.kind,
      accounts: Number(row.accounts),
      debit: print(BigInt(row.debit)),
      credit: print(BigInt(row.credit)),
    })),
    debit: print(debit),
    credit: print(credit),
    difference: print(debit - credit),
    isBalanced: debit === credit,
  };
}
