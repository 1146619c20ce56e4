import { isDeepStrictEqual } from 'node:util';
import { conflict, notFound, type Refusal } from '../../platform/errors.ts';
import { bucketOfId } from '../../platform/ids.ts';
import type { CustomerRow } from '../../store/tables/customers.ts';
import type { Command, DecideContext } from '../../writer/command.ts';
import { customerUpdate, findCustomerIn } from './commands.ts';
import {
  customerJson,
  emailIndexOf,
  openPersonal,
  type PersonalData,
  personalContext,
  type UpdateCustomerBody,
} from './schema.ts';
import { refuseErased } from './state.ts';

/** Changes a customer's data or status. A body that changes nothing writes nothing. */
export function updateCustomer(
  environmentId: string,
  customerId: string,
  body: UpdateCustomerBody,
): Command<string> {
  const bucket = bucketOfId(customerId);
  return {
    name: 'update_customer',
    environmentId,
    bucket,
    reads: () => [{ table: 'customers', bucket, id: customerId }],
    decide(state, context) {
      const customer = findCustomerIn(state, context, customerId);
      if (!customer) return { refusal: notFound('customer') };
      const personal = openPersonal(customer, context.vault);
      const refusal = refuseUpdate(customer, personal, body);
      if (refusal) return { refusal };
      const row = changedCustomer(customer, personal, body, context);
      return row ? customerUpdate(customer, row, context) : { result: customerJson(customer, context) };
    },
  };
}

const verifiedNames = ['firstName', 'lastName', 'businessName'] as const;

/**
 * Checks a change of a customer. A rejected customer keeps their status, and an approved one their verified names.
 *
 * @returns undefined if the change is allowed
 */
function refuseUpdate(
  customer: CustomerRow,
  personal: PersonalData,
  body: UpdateCustomerBody,
): Refusal | undefined {
  const erased = refuseErased(customer);
  if (erased) return erased;
  if (customer.status === 'rejected' && body.status !== undefined) {
    const message = '`status` cannot be changed: the customer was rejected.';
    return conflict('customer_rejected', message, [{ path: '/status', message }]);
  }
  if (customer.kyc_status !== 'approved') return undefined;
  const details = verifiedNames
    .filter((name) => body[name] !== undefined && (body[name] ?? undefined) !== personal[name])
    .map((name) => ({ path: `/${name}`, message: 'This field must stay as it was verified.' }));
  const message = 'The names of a customer whose identity is approved cannot be changed.';
  return details.length === 0 ? undefined : conflict('identity_verified', message, details);
}

/** The personal data after the change; `null` removes a field. */
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

/** The customer with the changes; undefined if nothing changes. */
function changedCustomer(
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
