import type { StoredKey } from '../../http/auth.ts';
import { authenticatedColumns } from '../../store/authenticated-rows.ts';
import type { Db } from '../../store/database.ts';
import type { Pool } from '../../store/pool.ts';
import type { ApiKeyRow, EnvironmentRow, OrganisationRow } from '../../store/tables/access.ts';

/** Finds keys by their prefixes for authentication, without revoked ones and without rows that are not authentic. */
export async function findActiveKeys(
  pool: Pool,
  prefixes: readonly string[],
): Promise<Map<string, StoredKey>> {
  const keys = await findAuthentic<ApiKeyRow>(
    pool,
    'api_keys',
    `t.prefix = any ($1) and t.revoked_at is null
      and not exists (select from api_key_revocations r where r.bucket = t.bucket and r.id = t.id)`,
    prefixes,
  );
  const environments = byId(
    await findAuthentic<EnvironmentRow>(
      pool,
      'environments',
      't.id = any ($1)',
      keys.map((key) => key.environment_id),
    ),
  );
  const organisations = byId(
    await findAuthentic<OrganisationRow>(
      pool,
      'organisations',
      't.id = any ($1)',
      [...environments.values()].map((environment) => environment.organisation_id),
    ),
  );
  const found = new Map<string, StoredKey>();
  for (const key of keys) {
    const environment = environments.get(key.environment_id);
    const organisation = environment && organisations.get(environment.organisation_id);
    if (organisation) found.set(key.prefix, storedKey(key, environment, organisation));
  }
  return found;
}

function storedKey(key: ApiKeyRow, environment: EnvironmentRow, organisation: OrganisationRow): StoredKey {
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

function byId<Row extends { readonly id: string }>(rows: readonly Row[]): ReadonlyMap<string, Row> {
  return new Map(rows.map((row) => [row.id, row]));
}

/** Selects authentic rows by a list of texts. */
async function findAuthentic<Row extends { id: string }>(
  pool: Pool,
  table: 'api_keys' | 'environments' | 'organisations',
  where: string,
  texts: readonly string[],
): Promise<Row[]> {
  if (texts.length === 0) return [];
  const { rows } = await pool.query<Row & Record<string, unknown>>({
    name: `find_authentic_${table}`,
    text: `select ${authenticatedColumns(table)} from ${table} t where ${where}`,
    values: [texts],
  });
  return rows.filter((row) => pool.guard.admits(table, row));
}

/** A key as the command line prints it. */
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
