import { unlessErased, type Vault } from '../platform/seal.ts';
import type { CustomerRow, IdentityCaseRow } from '../store/tables/customers.ts';
import { emptyForm, type IdentityForm } from './form.ts';

/** The states of a case: draft → under review → approved, rejected or incomplete; incomplete → under review. */

export type KycStatus = CustomerRow['kyc_status'];

/** The decisions on a submitted form. */
export type CaseDecision = Extract<KycStatus, 'approved' | 'rejected' | 'incomplete'>;

/** The id of a customer's case. */
export function caseIdOf(customerId: string): string {
  return `idc_${customerId.slice(customerId.indexOf('_') + 1)}`;
}

/** Whether the customer may still change and submit their form. */
export function isOpen({ kyc_status, status }: Pick<CustomerRow, 'kyc_status' | 'status'>): boolean {
  return status !== 'rejected' && (kyc_status === 'not_started' || kyc_status === 'incomplete');
}

/** The seal context of a case's form. */
function formContext(caseId: string): string {
  return `identity_cases.form:${caseId}`;
}

/** Opens the form of a case; the empty form if there is no case or the customer was erased. */
export function openForm(found: IdentityCaseRow | undefined, vault: Vault): IdentityForm {
  if (!found) return emptyForm;
  return unlessErased(() => JSON.parse(vault.open(found.form, formContext(found.id))), emptyForm);
}

/** What writing a case needs. */
export interface CaseContext {
  readonly now: string;
  readonly vault: Vault;
}

/** The case with a changed form: a new draft, or the next version of `found`. */
export function caseWithForm(
  customer: CustomerRow,
  found: IdentityCaseRow | undefined,
  form: IdentityForm,
  { now, vault }: CaseContext,
): IdentityCaseRow {
  const id = caseIdOf(customer.id);
  const sealed = vault.forCustomer(customer).seal(JSON.stringify(form), formContext(id));
  if (found) return { ...found, form: sealed, version: found.version + 1, updated_at: now };
  return {
    bucket: customer.bucket,
    id,
    environment_id: customer.environment_id,
    customer_id: customer.id,
    status: 'draft',
    form: sealed,
    version: 1,
    submitted_at: null,
    decided_at: null,
    decided_by: null,
    reasons: '[]',
    created_at: now,
    updated_at: now,
  };
}

/** The case after its submission. An earlier decision is cleared. */
export function submittedCase(found: IdentityCaseRow, now: string): IdentityCaseRow {
  return {
    ...found,
    status: 'under_review',
    version: found.version + 1,
    submitted_at: now,
    decided_at: null,
    decided_by: null,
    reasons: '[]',
    updated_at: now,
  };
}

/** The case after a decision. */
export function decidedCase(
  found: IdentityCaseRow,
  kycStatus: KycStatus,
  reasons: readonly unknown[],
  by: 'sandbox' | 'operator',
  now: string,
): IdentityCaseRow {
  return {
    ...found,
    status: kycStatus === 'not_started' ? 'draft' : kycStatus,
    version: found.version + 1,
    decided_at: now,
    decided_by: by,
    reasons: JSON.stringify(reasons),
    updated_at: now,
  };
}

/** Test values: last names that decide a submission in the sandbox. `docs/guides/sandbox.md` lists them. */
const testNames = [
  { name: 'Review', decision: 'under_review' },
  { name: 'Denied', decision: 'rejected' },
] as const;

const decisionByTestName: ReadonlyMap<string, KycStatus> = new Map(
  testNames.map(({ decision, name }) => [name.toLowerCase(), decision]),
);

/** The sandbox decision that a last name selects; undefined if none is a test value. */
export function decisionByName(lastNames: readonly (string | undefined)[]): KycStatus | undefined {
  for (const name of lastNames) {
    const decision = name === undefined ? undefined : decisionByTestName.get(name.trim().toLowerCase());
    if (decision) return decision;
  }
  return undefined;
}
