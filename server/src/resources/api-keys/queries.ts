import type { StoredKey } from '../../http/auth.ts';
import type { Db } from '../../store/database.ts';
import type { Pool } from '../../store/pool.ts';
import type { ApiKeyRow, EnvironmentRow, OrganisationRow } from '../../store/rows.ts';

/** A key that is not revoked, and what it opens. */
interface ActiveKeyRow {
  id: string;
  prefix: string;
  secret_hash: Buffer;
  environment_id: string;
  current_id: string;
  kind: 'test' | 'live';
  organisation_id: string;
  rate_limit: string | null;
}

/** Finds keys that are not revoked by their prefixes, for authentication. */
export async function findActiveKeys(
  pool: Pool,
  prefixes: readonly string[],
): Promise<Map<string, StoredKey>> {
  const { rows } = await pool.query<ActiveKeyRow>({
    name: 'find_active_keys',
    text: `select k.id, k.prefix, k.secret_hash, k.environment_id, e.current_id, e.kind, e.organisation_id, o.rate_limit
      from api_keys k join environments e on e.bucket = k.bucket and e.id = k.environment_id
      join organisations o on o.bucket = e.bucket and o.id = e.organisation_id
      where k.prefix = any ($1) and k.revoked_at is null`,
    values: [prefixes],
  });
  return new Map(rows.map((row) => [row.prefix, storedKey(row)]));
}

function storedKey(row: ActiveKeyRow): StoredKey {
  return {
    keyId: row.id,
    secretHash: row.secret_hash,
    rateLimit: row.rate_limit,
    environment: {
      id: row.current_id,
      rowId: row.environment_id,
      kind: row.kind,
      organisationId: row.organisation_id,
    },
  };
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
