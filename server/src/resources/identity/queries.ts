import { caseIdOf } from '../../identity/lifecycle.ts';
import { bucketOfId } from '../../platform/ids.ts';
import type { Pool } from '../../store/pool.ts';
import type { CustomerRow, IdentityCaseRow } from '../../store/rows.ts';

/** A customer with the environment they are in now, and their case if they have begun one. */
export interface CustomerCase {
  readonly customer: CustomerRow;
  readonly kind: 'test' | 'live';
  readonly found: IdentityCaseRow | undefined;
}

/**
 * Finds a customer's case.
 *
 * @param environmentId the environment that they must be in; any when left out, as for the operator
 * @returns undefined when there is no such customer, or their sandbox was reset since
 */
export async function findCase(
  pool: Pool,
  customerId: string,
  environmentId?: string,
): Promise<CustomerCase | undefined> {
  const bucket = bucketOfId(customerId);
  const { rows } = await pool.query<CustomerRow & { kind: 'test' | 'live' }>(
    `select c.*, e.kind from customers c join environments e on e.current_id = c.environment_id
      where c.bucket = $1 and c.id = $2 and ($3::text is null or c.environment_id = $3)`,
    [bucket, customerId, environmentId ?? null],
  );
  const row = rows[0];
  if (!row) return undefined;
  const { kind, ...customer } = row;
  const cases = await pool.query<IdentityCaseRow>(
    'select * from identity_cases where bucket = $1 and id = $2',
    [bucket, caseIdOf(customerId)],
  );
  return { customer, kind, found: cases.rows[0] };
}
