import { limits } from '../platform/limits.ts';
import { keyTypes } from '../store/authenticate-rows.ts';
import {
  type AuthenticatedTable,
  type AuthenticatedTableName,
  authenticatedColumns,
  authenticatedTables,
} from '../store/authenticated-rows.ts';
import { readKeyPages } from '../store/key-pages.ts';
import { type Queryable, queryPatiently } from '../store/pool.ts';
import { type RowGuard, rowIdOf } from '../store/row-guard.ts';
import type { Problem } from './verify-checks.ts';

type Row = Record<string, unknown>;

/** The result of checking the codes of rows. */
export interface RowVerification {
  /** How many rows were checked. */
  readonly rows: number;
  readonly problems: readonly Problem[];
}

/**
 * Checks the code of every row that grants access or directs money, page by page, and that no revoked key is active again.
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

function notAuthentic(table: string, id: string, how = 'no server with this master key wrote it'): Problem {
  return { kind: 'row_not_authentic', id, accountId: null, journalId: null, message: `${table}: ${how}` };
}

async function* readTable(
  client: Queryable,
  table: AuthenticatedTableName,
  scope: string | null,
): AsyncGenerator<Row[]> {
  const { ofEnvironment }: AuthenticatedTable = authenticatedTables[table];
  if (scope !== null && ofEnvironment === null) return;
  yield* readKeyPages<Row>(
    client,
    {
      columns: authenticatedColumns(table),
      from: `${table} t`,
      where: scope === null || ofEnvironment === null ? [] : [ofEnvironment],
      values: scope === null ? [] : [scope],
      key: keyTypes(table),
      pageRows: limits.verifyPageRows,
    },
    queryPatiently,
  );
}

/** An old version of a key's row has a valid code. `api_key_revocations` holds the keys that were revoked since. */
async function findUnrevoked(client: Queryable, scope: string | null): Promise<Problem[]> {
  const { rows } = await client.query<{ id: string }>(
    `select k.id from api_key_revocations r join api_keys k on k.bucket = r.bucket and k.id = r.id
        join environments e on e.bucket = k.bucket and e.id = k.environment_id
      where k.revoked_at is null and ($1::text is null or e.current_id = $1) order by k.id limit $2`,
    [scope, limits.verifyProblems],
  );
  return rows.map(({ id }) =>
    notAuthentic('api_keys', id, 'it was revoked, and its row says that it is active'),
  );
}
