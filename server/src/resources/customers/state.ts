import { conflict, invalidRequest, type Refusal } from '../../platform/errors.ts';
import type { CustomerRow } from '../../store/tables/customers.ts';

/** Refuses a change of an erased customer. @returns undefined if the customer was not erased */
export function refuseErased({ erased_at: erasedAt }: Pick<CustomerRow, 'erased_at'>): Refusal | undefined {
  if (erasedAt === null) return undefined;
  return conflict('customer_erased', 'The customer was erased and cannot be changed.');
}

/** What a customer may do. All capabilities require verification. */
export interface Capabilities {
  readonly wallets: boolean;
  readonly virtualAccounts: boolean;
  readonly transfers: boolean;
}

type Verification = Pick<CustomerRow, 'status' | 'kyc_status' | 'tos_accepted_at'>;

export function capabilitiesOf(customer: Verification): Capabilities {
  const able = customer.status === 'active' && missingRequirements(customer).length === 0;
  return { wallets: able, virtualAccounts: able, transfers: able };
}

/** The requirements that the customer has not met: `identity`, `terms_of_service`. */
export function missingRequirements(customer: Verification): string[] {
  const missing: string[] = [];
  if (customer.kyc_status !== 'approved') missing.push('identity');
  if (customer.tos_accepted_at === null) missing.push('terms_of_service');
  return missing;
}

/**
 * Checks whether a customer has a capability.
 *
 * @param customer undefined if the environment has none by that id
 * @returns undefined if the customer has it
 */
export function refuseCustomer(
  customer: Verification | undefined,
  capability: keyof Capabilities,
): Refusal | undefined {
  if (!customer) return customerNotFound();
  return capabilitiesOf(customer)[capability] ? undefined : blocked(customer, missingRequirements(customer));
}

/**
 * Checks that a customer is active, where no verification is required.
 *
 * @param customer undefined if the environment has none by that id
 * @returns undefined if the customer is active
 */
export function refuseInactive(customer: Verification | undefined): Refusal | undefined {
  if (!customer) return customerNotFound();
  return customer.status === 'active' ? undefined : blocked(customer, []);
}

function blocked(customer: Verification, missing: readonly string[]): Refusal {
  const status = customer.status === 'active' ? [] : [`the customer is ${customer.status}`];
  const blockingReasons = [...status, ...missing];
  return conflict(
    'kyc_required',
    `The customer must be active and verified to move money: ${blockingReasons.join(', ')}.`,
    blockingReasons.map((message) => ({ path: '/customerId', message })),
  );
}

/** The refusal of a body whose `customerId` the environment does not have. */
export function customerNotFound(): Refusal {
  const message = '`customerId` must be a customer of the environment.';
  return invalidRequest('customer_not_found', message, [{ path: '/customerId', message }]);
}

/** The customer after a decision on their identity. */
export function decideIdentity(
  customer: CustomerRow,
  kycStatus: CustomerRow['kyc_status'],
  reasons: readonly unknown[],
  now: string,
): CustomerRow {
  return {
    ...customer,
    kyc_status: kycStatus,
    status:
      kycStatus === 'rejected' ? 'rejected' : customer.status === 'rejected' ? 'active' : customer.status,
    kyc_rejection_reasons: JSON.stringify(kycStatus === 'approved' ? [] : reasons),
    updated_at: now,
  };
}

/** The customer once they have accepted the terms; an earlier acceptance keeps its time. */
export function acceptedTerms(customer: CustomerRow, now: string): CustomerRow {
  return { ...customer, tos_accepted_at: customer.tos_accepted_at ?? now, updated_at: now };
}
