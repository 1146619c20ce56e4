import { caseIdOf } from '../../identity/state.ts';
import { bucketOfId } from '../../platform/ids.ts';
import { findEnvironments } from '../../store/own-environments.ts';
import type { Pool } from '../../store/pool.ts';
import type {
  CustomerRow,
  IdentityCaseRow,
  IdentityDocumentRow,
  TermsAcceptanceRow,
} from '../../store/tables/customers.ts';

/** A customer with their environment kind, and their case if they have one. */
export interface CustomerCase {
  readonly customer: CustomerRow;
  readonly kind: 'test' | 'live';
  readonly found: IdentityCaseRow | undefined;
}

/**
 * Finds a customer's case.
 *
 * @param environmentId the environment that they must be in; any if left out, as for the operator
 * @returns undefined if there is no such customer, or their sandbox was reset since
 * @throws RowNotAuthenticError if the row of the customer or of the case is not authentic
 */
export async function findCase(
  pool: Pool,
  customerId: string,
  environmentId?: string,
): Promise<CustomerCase | undefined> {
  const bucket = bucketOfId(customerId);
  const { rows } = await pool.query<CustomerRow>(
    `select * from customers c where c.bucket = $1 and c.id = $2 and ($3::text is null or c.environment_id = $3)`,
    [bucket, customerId, environmentId ?? null],
  );
  const row = rows[0];
  if (!row) return undefined;
  const customer = pool.guard.require('customers', row);
  const environment = (await findEnvironments(pool, [row.environment_id])).get(row.environment_id);
  if (!environment) return undefined;
  const cases = await pool.query<IdentityCaseRow>(
    'select * from identity_cases where bucket = $1 and id = $2',
    [bucket, caseIdOf(customerId)],
  );
  const found = cases.rows[0];
  return { customer, kind: environment.kind, found: found && pool.guard.require('identity_cases', found) };
}

/** A case under review. */
export interface WaitingCase {
  readonly customerId: string;
  readonly kind: 'test' | 'live';
  readonly type: CustomerRow['type'];
  readonly submittedAt: string | null;
}

/** The cases under review of all environments, the longest waiting first. */
export async function listWaiting(pool: Pool): Promise<WaitingCase[]> {
  const { rows } = await pool.query<WaitingCase>(
    `select i.customer_id as "customerId", e.kind, c.type, i.submitted_at as "submittedAt"
      from identity_cases i
      join environments e on e.current_id = i.environment_id
      join customers c on c.bucket = i.bucket and c.id = i.customer_id
      where i.status = 'under_review' order by i.submitted_at nulls last, i.id`,
  );
  return rows;
}

/** One document of a customer; undefined if it does not exist or was removed. */
export async function findDocument(
  pool: Pool,
  customer: Pick<CustomerRow, 'bucket' | 'id'>,
  documentId: string,
): Promise<IdentityDocumentRow | undefined> {
  const { rows } = await pool.query<IdentityDocumentRow>(
    `select * from identity_documents
      where bucket = $1 and id = $2 and customer_id = $3 and removed_at is null`,
    [customer.bucket, documentId, customer.id],
  );
  return rows[0];
}

/** The terms that a customer has accepted, the oldest first. @throws RowNotAuthenticError if a row is not authentic */
export async function listAcceptances(
  pool: Pool,
  customer: Pick<CustomerRow, 'bucket' | 'id'>,
): Promise<TermsAcceptanceRow[]> {
  const { rows } = await pool.query<TermsAcceptanceRow>(
    'select * from terms_acceptances where bucket = $1 and customer_id = $2 order by id',
    [customer.bucket, customer.id],
  );
  return rows.map((row) => pool.guard.require('terms_acceptances', row));
}
