import { limits } from '../platform/limits.ts';
import { keyType } from '../store/authenticate-rows.ts';
import {
  type AuthenticatedTable,
  type AuthenticatedTableName,
  authenticatedColumns,
  authenticatedTables,
} from '../store/authenticated-rows.ts';
import { type Queryable, queryPatiently } from '../store/pool.ts';
import { type RowGuard, rowIdOf } from '../store/row-guard.ts';
import type { Problem } from './verify-checks.ts';

type Row = Record<string, unknown>;

/** What checking the codes of rows has shown. */
export interface RowVerification {
  /** How many rows were checked. */
  readonly rows: number;
  readonly problems: readonly Problem[];
}

/**
 * Checks the code of every row that gives rights or directs money, page by page, and that no revoked key is back.
 *
 * @param scope only the rows of this environment; null for all
 */
export async function verifyRows(
  client: Queryable,
  guard: RowGuard,
  scope: string | null,
): Promise<RowVerification> {
  const problems: Problem[] = [];
  let count = 0;
  for (const table of Object.keys(authenticatedTables) as AuthenticatedTableName[]) {
    const before = problems.length;
    for await (const page of readTable(client, table, scope)) {
      count += page.length;
      for (const row of page) {
        if (!guard.isAuthentic(table, row)) problems.push(notAuthentic(table, rowIdOf(table, row)));
      }
      if (problems.length - before >= limits.verifyProblems) break;
    }
  }
  return { rows: count, problems: [...problems, ...(await findUnrevoked(client, scope))] };
}

function notAuthentic(table: string, id: string, how = 'it was not written by a server like this'): Problem {
  return { kind: 'row_not_authentic', id, accountId: null, journalId: null, message: `${table}: ${how}` };
}

async function* readTable(
  client: Queryable,
  table: AuthenticatedTableName,
  scope: string | null,
): AsyncGenerator<Row[]> {
  const { key, ofEnvironment }: AuthenticatedTable = authenticatedTables[table];
  if (scope !== null && ofEnvironment === null) return;
  const values: unknown[] = scope === null ? [] : [scope];
  const columns = key.map((column) => `t.${column}`).join(', ');
  for (let last: Row | undefined; ; ) {
    const place = last;
    const after = place === undefined ? [] : key.map((column) => place[column]);
    const parameters = key.map((column, index) => `$${values.length + index + 1}::${keyType(column)}`);
    const where = [
      ...(scope === null ? [] : [ofEnvironment]),
      ...(place === undefined ? [] : [`(${columns}) > (${parameters.join(', ')})`]),
    ];
    const { rows } = await queryPatiently<Row>(
      client,
      `select ${authenticatedColumns(table)} from ${table} t ${where.length > 0 ? `where ${where.join(' and ')}` : ''}
        order by ${columns} limit ${limits.verifyPageRows}`,
      [...values, ...after],
    );
    if (rows.length > 0) yield rows;
    if (rows.length < limits.verifyPageRows) return;
    last = rows.at(-1);
  }
}

/** An old row of a key with its old code is authentic. That it was revoked stands elsewhere. */
async function findUnrevoked(client: Queryable, scope: string | null): Promise<Problem[]> {
  const { rows } = await client.query<{ id: string }>(
    `select k.id from api_key_revocations r join api_keys k on k.bucket = r.bucket and k.id = r.id
        join environments e on e.bucket = k.bucket and e.id = k.environment_id
      where k.revoked_at is null and ($1::text is null or e.current_id = $1) order by k.id limit $2`,
    [scope, limits.verifyProblems],
  );
  return rows.map(({ id }) => notAuthentic('api_keys', id, 'it was revoked, and says that it is not'));
}
