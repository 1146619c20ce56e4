import { isDeepStrictEqual } from 'node:util';
import { conflict, type Refusal } from '../../platform/errors.ts';
import type { CustomerRow } from '../../store/rows.ts';
import type { DecideContext } from '../../writer/command.ts';
import { refuseErased } from './state.ts';
import { emailIndexOf, type PersonalData, personalContext, type UpdateCustomerBody } from './schema.ts';

const verifiedNames = ['firstName', 'lastName', 'businessName'] as const;

/**
 * Why a customer cannot be changed so: a rejected one stays rejected, and names that were verified stay as they were.
 *
 * @returns undefined when they can
 */
export function refuseUpdate(
  customer: CustomerRow,
  personal: PersonalData,
  body: UpdateCustomerBody,
): Refusal | undefined {
  const erased = refuseErased(customer);
  if (erased) return erased;
  if (customer.status === 'rejected' && body.status !== undefined) {
    const message = 'The customer was rejected; their status cannot be changed.';
    return conflict('customer_rejected', message, [{ path: '/status', message }]);
  }
  if (customer.kyc_status !== 'approved') return undefined;
  const details = verifiedNames
    .filter((name) => body[name] !== undefined && (body[name] ?? undefined) !== personal[name])
    .map((name) => ({ path: `/${name}`, message: 'It belongs to the identity that was verified.' }));
  const message = 'The identity of the customer has been verified: their names cannot be changed.';
  return details.length === 0 ? undefined : conflict('identity_verified', message, details);
}

/** What we know of a person once it has been changed; `null` takes a field away. */
function changedPersonal(personal: PersonalData, body: UpdateCustomerBody): PersonalData {
  const { email, firstName, lastName, phone, businessName } = { ...personal, ...body };
  return {
    email,
    firstName,
    lastName,
    ...(phone == null ? {} : { phone }),
    ...(businessName == null ? {} : { businessName }),
  };
}

/** The customer with the changes; undefined when there are none. */
export function changedCustomer(
  customer: CustomerRow,
  personal: PersonalData,
  body: UpdateCustomerBody,
  { now, vault }: Pick<DecideContext, 'now' | 'vault'>,
): CustomerRow | undefined {
  const changed = changedPersonal(personal, body);
  const row: CustomerRow = {
    ...customer,
    status: body.status ?? customer.status,
    external_id: body.externalId === undefined ? customer.external_id : body.externalId,
    metadata: body.metadata === undefined ? customer.metadata : JSON.stringify(body.metadata),
    email_index: emailIndexOf(changed.email, vault),
  };
  const isSame =
    isDeepStrictEqual(personal, changed) &&
    row.status === customer.status &&
    row.external_id === customer.external_id &&
    isDeepStrictEqual(JSON.parse(row.metadata), JSON.parse(customer.metadata));
  if (isSame) return undefined;
  return {
    ...row,
    personal: vault.forCustomer(row).seal(JSON.stringify(changed), personalContext(row.id)),
    updated_at: now,
  };
}
