import Type, { type Static } from 'typebox';
import { metadata, nullableText, nullableTime, oneOf, time } from '../../http/schema.ts';
import { compileSerialiser } from '../../http/serialise.ts';
import { limits } from '../../platform/limits.ts';
import type { Vault } from '../../platform/seal.ts';
import type { CustomerRow } from '../../store/rows.ts';
import { capabilitiesOf, missingRequirements } from './lifecycle.ts';

const name = { minLength: 1, maxLength: limits.nameLength };

export const customerTypes = ['individual', 'business'] as const;
export const customerStatuses = ['active', 'suspended', 'rejected'] as const;
export const kycStatuses = ['not_started', 'under_review', 'incomplete', 'approved', 'rejected'] as const;

export const CreateCustomerBody = Type.Object({
  email: Type.String({ format: 'email', maxLength: limits.emailLength }),
  firstName: Type.String(name),
  lastName: Type.String(name),
  type: Type.Optional(oneOf(customerTypes, '`individual` when left out')),
  phone: Type.Optional(
    Type.String({ pattern: '^\\+[1-9][0-9]{6,14}$', description: 'E.164: `+14155550100`' }),
  ),
  businessName: Type.Optional(Type.String(name)),
  externalId: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: limits.shortTextLength,
      description: 'Your own id for the customer',
    }),
  ),
  metadata: Type.Optional(
    metadata({
      pairs: limits.metadataPairs,
      keyLength: limits.metadataKeyLength,
      valueLength: limits.metadataValueLength,
    }),
  ),
});
export type CreateCustomerBody = Static<typeof CreateCustomerBody>;

export const RejectionReason = Type.Object({
  code: Type.String({ minLength: 1, maxLength: limits.shortTextLength }),
  message: Type.String({ minLength: 1, maxLength: limits.shortTextLength, description: 'For you' }),
  customerMessage: Type.String({
    minLength: 1,
    maxLength: limits.shortTextLength,
    description: 'Fit to be shown to the customer',
  }),
});
export type RejectionReason = Static<typeof RejectionReason>;

export const Customer = Type.Object({
  id: Type.String(),
  email: Type.String({ format: 'email' }),
  firstName: Type.String(),
  lastName: Type.String(),
  type: oneOf(customerTypes),
  status: oneOf(customerStatuses),
  kycStatus: oneOf(kycStatuses),
  kycLink: nullableText('Where the customer gives their identity; null until there is such a page'),
  tosLink: nullableText('Where the customer accepts the terms; null until there is such a page'),
  capabilities: Type.Object({
    wallets: Type.Boolean(),
    virtualAccounts: Type.Boolean(),
    transfers: Type.Boolean(),
  }),
  phone: Type.Optional(Type.String()),
  businessName: Type.Optional(Type.String()),
  externalId: nullableText('Your own id for the customer'),
  metadata: Type.Unsafe<Record<string, string>>({ type: 'object', additionalProperties: { type: 'string' } }),
  requirements: Type.Object({ missing: Type.Array(Type.String()) }),
  kycRejectionReasons: Type.Array(RejectionReason),
  tosAcceptedAt: nullableTime(),
  createdAt: time(),
  updatedAt: time(),
});

/** What we know of a person. It lies sealed in the customer's row. */
export interface PersonalData {
  readonly email: string;
  readonly firstName: string;
  readonly lastName: string;
  readonly phone?: string;
  readonly businessName?: string;
}

const serialise = compileSerialiser<Static<typeof Customer>>(Customer);

/** Where a customer's sealed data belongs. */
export function personalContext(customerId: string): string {
  return `customers.personal:${customerId}`;
}

/** What lies sealed in a customer's row. */
export function openPersonal(row: CustomerRow, vault: Vault): PersonalData {
  return JSON.parse(vault.open(row.personal, personalContext(row.id)));
}

/** A customer as the API shows it, as JSON text. */
export function customerJson(row: CustomerRow, vault: Vault): string {
  const personal = openPersonal(row, vault);
  return serialise({
    ...personal,
    id: row.id,
    type: row.type,
    status: row.status,
    kycStatus: row.kyc_status,
    kycLink: null,
    tosLink: null,
    capabilities: capabilitiesOf(row),
    externalId: row.external_id,
    metadata: JSON.parse(row.metadata),
    requirements: { missing: missingRequirements(row) },
    kycRejectionReasons: JSON.parse(row.kyc_rejection_reasons),
    tosAcceptedAt: row.tos_accepted_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  });
}
