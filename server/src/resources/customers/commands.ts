import { previousAttributes } from '../../events/changes.ts';
import { caseIdOf, decidedCase } from '../../identity/state.ts';
import { notFound } from '../../platform/errors.ts';
import { bucketOfId, bucketOfText } from '../../platform/ids.ts';
import { newKeySalt } from '../../platform/seal.ts';
import type { CustomerRow } from '../../store/tables/customers.ts';
import type { Accepted, Command, DecideContext, State } from '../../writer/command.ts';
import {
  type CreateCustomerBody,
  customerJson,
  emailIndexOf,
  type PersonalData,
  personalContext,
  type RejectionReason,
} from './schema.ts';
import { acceptedTerms, decideIdentity, refuseErased } from './state.ts';

/** The customer by this id, if it is one of the environment's. */
export function findCustomerIn(state: State, context: DecideContext, id: string): CustomerRow | undefined {
  const customer = state.get('customers', id);
  return customer?.environment_id === context.environmentId ? customer : undefined;
}

/**
 * Creates a customer, in the bucket of the request's idempotency key or in a random one.
 *
 * @param randomBucket 0..63
 */
export function createCustomer(
  environmentId: string,
  body: CreateCustomerBody,
  idempotencyKey: string | undefined,
  randomBucket: number,
): Command<string> {
  return {
    name: 'create_customer',
    environmentId,
    bucket: idempotencyKey === undefined ? randomBucket : bucketOfText(idempotencyKey),
    reads: () => [],
    decide(_state, context) {
      const row = newCustomer(body, context);
      const data = customerJson(row, context);
      return {
        result: data,
        writes: [{ table: 'customers', row }],
        events: [{ type: 'customer.created', objectId: row.id, customerId: row.id, data, sensitive: true }],
      };
    },
  };
}

function newCustomer(body: CreateCustomerBody, context: DecideContext): CustomerRow {
  const { businessName, email, firstName, lastName, phone } = body;
  const id = context.newId('cus');
  const personal: PersonalData = {
    email,
    firstName,
    lastName,
    ...(phone === undefined ? {} : { phone }),
    ...(businessName === undefined ? {} : { businessName }),
  };
  const row: CustomerRow = {
    bucket: context.bucket,
    id,
    environment_id: context.environmentId,
    type: body.type ?? 'individual',
    status: 'active',
    kyc_status: 'not_started',
    personal: '',
    email_index: emailIndexOf(email, context.vault),
    external_id: body.externalId ?? null,
    metadata: JSON.stringify(body.metadata ?? {}),
    kyc_rejection_reasons: '[]',
    tos_accepted_at: null,
    link_generation: 0,
    created_at: context.now,
    updated_at: context.now,
    key_salt: newKeySalt(),
    erased_at: null,
  };
  return {
    ...row,
    personal: context.vault.forCustomer(row).seal(JSON.stringify(personal), personalContext(id)),
  };
}

/** Revokes every link of a customer that was issued before. Links that are issued afterwards are valid. */
export function revokeLinks(environmentId: string, customerId: string): Command<string> {
  const bucket = bucketOfId(customerId);
  return {
    name: 'revoke_links',
    environmentId,
    bucket,
    reads: () => [{ table: 'customers', bucket, id: customerId }],
    decide(state, context) {
      const customer = findCustomerIn(state, context, customerId);
      if (!customer) return { refusal: notFound('customer') };
      const erased = refuseErased(customer);
      if (erased) return { refusal: erased };
      const row = { ...customer, link_generation: customer.link_generation + 1, updated_at: context.now };
      return customerUpdate(customer, row, context);
    },
  };
}

/** Sets a sandbox customer's verification. `approved` also accepts the terms. */
export function decideCustomerKyc(
  environmentId: string,
  customerId: string,
  kycStatus: CustomerRow['kyc_status'],
  reasons: readonly RejectionReason[],
): Command<string> {
  const bucket = bucketOfId(customerId);
  return {
    name: 'decide_customer_kyc',
    environmentId,
    bucket,
    reads: () => [
      { table: 'customers', bucket, id: customerId },
      { table: 'identity_cases', bucket, id: caseIdOf(customerId) },
    ],
    decide(state, context) {
      const customer = findCustomerIn(state, context, customerId);
      if (!customer) return { refusal: notFound('customer') };
      const erased = refuseErased(customer);
      if (erased) return { refusal: erased };
      const decided = decideIdentity(customer, kycStatus, reasons, context.now);
      const row = kycStatus === 'approved' ? acceptedTerms(decided, context.now) : decided;
      const update = customerUpdate(customer, row, context);
      const found = state.get('identity_cases', caseIdOf(customerId));
      if (!found) return update;
      const caseRow = decidedCase(found, kycStatus, reasons, 'sandbox', context.now);
      return { ...update, writes: [...update.writes, { table: 'identity_cases', row: caseRow }] };
    },
  };
}

/**
 * What a command that changes a customer writes: the row, and the event. Its result is the customer's JSON text.
 *
 * @param before the row before the change
 */
export function customerUpdate(
  before: CustomerRow,
  row: CustomerRow,
  context: DecideContext,
): Required<Omit<Accepted<string>, 'journals'>> {
  const data = customerJson(row, context);
  return {
    result: data,
    writes: [{ table: 'customers', row }],
    events: [
      {
        type: 'customer.updated',
        objectId: row.id,
        customerId: row.id,
        data,
        previousAttributes: previousAttributes(customerJson(before, context), data),
        sensitive: true,
      },
    ],
  };
}
