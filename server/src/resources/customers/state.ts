import { conflict, invalidRequest, type Refusal } from '../../platform/errors.ts';
import type { CustomerRow } from '../../store/rows.ts';

/** Why nothing more can be done to a customer: they were erased. @returns undefined when they were not */
export function refuseErased({ erased_at: erasedAt }: Pick<CustomerRow, 'erased_at'>): Refusal | undefined {
  if (erasedAt === null) return undefined;
  return conflict('customer_erased', 'The customer was erased; nothing of them can be changed.');
}

/** What a customer may do. All of it follows verification. */
export interface Capabilities {
  readonly wallets: boolean;
  readonly virtualAccounts: boolean;
  readonly transfers: boolean;
}

type Standing = Pick<CustomerRow, 'status' | 'kyc_status' | 'tos_accepted_at'>;

export function capabilitiesOf(customer: Standing): Capabilities {
  const able = customer.status === 'active' && missingRequirements(customer).length === 0;
  return { wallets: able, virtualAccounts: able, transfers: able };
}

/** What the customer has still to do: `identity`, `terms_of_service`. */
export function missingRequirements(customer: Standing): string[] {
  const missing: string[] = [];
  if (customer.kyc_status !== 'approved') missing.push('identity');
  if (customer.tos_accepted_at === null) missing.push('terms_of_service');
  return missing;
}

/**
 * Why a customer named in a request's body may not do something.
 *
 * @param customer undefined when there is none by that id in the environment
 * @returns undefined when they may
 */
export function refuseCustomer(
  customer: Standing | undefined,
  capability: keyof Capabilities,
): Refusal | undefined {
  if (!customer) return customerNotFound();
  return capabilitiesOf(customer)[capability]
    ? undefined
    : cannotMove(customer, missingRequirements(customer));
}

/**
 * The same where no verification is asked for: the customer need only be there and be active.
 *
 * @returns undefined when they may
 */
export function refuseStanding(customer: Standing | undefined): Refusal | undefined {
  if (!customer) return customerNotFound();
  return customer.status === 'active' ? undefined : cannotMove(customer, []);
}

function cannotMove(customer: Standing, missing: readonly string[]): Refusal {
  const standing = customer.status === 'active' ? [] : [`the customer is ${customer.status}`];
  const obstacles = [...standing, ...missing];
  return conflict(
    'kyc_required',
    `The customer can move nothing yet: ${obstacles.join(', ')}.`,
    obstacles.map((message) => ({ path: '/customerId', message })),
  );
}

/** The refusal of a body that names a customer who is not in the environment. */
export function customerNotFound(): Refusal {
  const message = 'No such customer.';
  return invalidRequest('customer_not_found', message, [{ path: '/customerId', message }]);
}

/** The customer after a decision about their identity. */
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

/** The customer once they have accepted the terms, now or earlier. */
export function acceptedTerms(customer: CustomerRow, now: string): CustomerRow {
  return { ...customer, tos_accepted_at: customer.tos_accepted_at ?? now, updated_at: now };
}
