import type { StoredKey } from '../../http/auth.ts';
import { authenticatedColumns } from '../../store/authenticated-rows.ts';
import type { Db } from '../../store/database.ts';
import type { Pool } from '../../store/pool.ts';
import type { ApiKeyRow, EnvironmentRow, OrganisationRow } from '../../store/rows.ts';

/** Finds a key that is not revoked by its prefix, for authentication. A key whose rows are not ours is none. */
export async function findActiveKey(pool: Pool, prefix: string): Promise<StoredKey | undefined> {
  const key = await findOwn<ApiKeyRow>(
    pool,
    'api_keys',
    `t.prefix = $1 and t.revoked_at is null
      and not exists (select from api_key_revocations r where r.bucket = t.bucket and r.id = t.id)`,
    [prefix],
  );
  const environment =
    key && (await findOwn<EnvironmentRow>(pool, 'environments', ...byId(key, key.environment_id)));
  const organisation =
    environment &&
    (await findOwn<OrganisationRow>(
      pool,
      'organisations',
      ...byId(environment, environment.organisation_id),
    ));
  if (!organisation) return undefined;
  return {
    keyId: key.id,
    secretHash: key.secret_hash,
    rateLimit: organisation.rate_limit,
    environment: {
      id: environment.current_id,
      rowId: environment.id,
      kind: environment.kind,
      organisationId: organisation.id,
    },
  };
}

function byId({ bucket }: { bucket: number }, id: string): [where: string, values: unknown[]] {
  return ['t.bucket = $1 and t.id = $2', [bucket, id]];
}

/** The row, if there is one and it is ours. */
async function findOwn<Row extends { id: string }>(
  pool: Pool,
  table: 'api_keys' | 'environments' | 'organisations',
  where: string,
  values: unknown[],
): Promise<Row | undefined> {
  const { rows } = await pool.query<Row & Record<string, unknown>>({
    name: `find_own_${table}`,
    text: `select ${authenticatedColumns(table)} from ${table} t where ${where}`,
    values,
  });
  const row = rows[0];
  return row && pool.guard.admits(table, row) ? row : undefined;
}

/** A key as the command line lists it. */
export type ListedKey = Pick<ApiKeyRow, 'id' | 'name' | 'prefix' | 'created_at' | 'revoked_at'> &
  Pick<EnvironmentRow, 'kind'> & { environmentId: string };

/** Every key of the deployment, the oldest first. */
export async function listKeys(db: Db): Promise<ListedKey[]> {
  return db
    .selectFrom('api_keys as k')
    .innerJoin('environments as e', (join) =>
      join.onRef('e.bucket', '=', 'k.bucket').onRef('e.id', '=', 'k.environment_id'),
    )
    .select(['k.id', 'k.name', 'k.prefix', 'k.created_at', 'k.revoked_at', 'e.kind', 'e.id as environmentId'])
    .orderBy('k.id')
    .execute();
}

/** The organisations of the deployment, the oldest first. */
export async function listOrganisations(db: Db): Promise<OrganisationRow[]> {
  return db.selectFrom('organisations').selectAll().orderBy('id').execute();
}

/** The environments of all organisations, the oldest first. */
export async function listEnvironments(db: Db): Promise<EnvironmentRow[]> {
  return db.selectFrom('environments').selectAll().orderBy('id').execute();
}
