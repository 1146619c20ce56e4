import type { Refusal } from '../../platform/errors.ts';
import { type AccountType, factsOf } from '../../rails/account-types.ts';
import type { CustomerRow } from '../../store/tables/customers.ts';
import { refuseCustomer, refuseInactive } from '../customers/state.ts';

/**
 * Checks whether a customer may own an account of a type. Some types require a verified customer.
 *
 * @param customer undefined if the environment has none by that id
 * @returns undefined if the customer may own one
 */
export function refuseOwner(customer: CustomerRow | undefined, type: AccountType): Refusal | undefined {
  return factsOf(type).needsKyc ? refuseCustomer(customer, 'transfers') : refuseInactive(customer);
}
