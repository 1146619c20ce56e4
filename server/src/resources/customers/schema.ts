import Type, { type Static, type TUnsafe } from 'typebox';
import { metadata, nullableText, nullableTime, oneOf, time } from '../../http/schema.ts';
import { compileSerialiser } from '../../http/serialise.ts';
import { type LinkContext, linkUrl } from '../../identity/links.ts';
import { limits } from '../../platform/limits.ts';
import { unlessErased, type Vault } from '../../platform/seal.ts';
import type { CustomerRow } from '../../store/tables/customers.ts';
import { createdRange } from '../paging.ts';
import { capabilitiesOf, missingRequirements } from './state.ts';

const name = { minLength: 1, maxLength: limits.nameLength };

export const customerTypes = ['individual', 'business'] as const;
export const customerStatuses = ['active', 'suspended', 'rejected'] as const;
export const kycStatuses = ['not_started', 'under_review', 'incomplete', 'approved', 'rejected'] as const;

const email = { format: 'email', maxLength: limits.emailLength };
const phone = { pattern: '^\\+[1-9][0-9]{6,14}$', description: 'E.164: `+14155550100`' };
const externalId = {
  minLength: 1,
  maxLength: limits.shortTextLength,
  description: 'Your own id for the customer',
};
const ownPairs = metadata({
  pairs: limits.metadataPairs,
  keyLength: limits.metadataKeyLength,
  valueLength: limits.metadataValueLength,
});

export const CreateCustomerBody = Type.Object({
  email: Type.String(email),
  firstName: Type.String(name),
  lastName: Type.String(name),
  type: Type.Optional(oneOf(customerTypes, '`individual` when left out')),
  phone: Type.Optional(Type.String(phone)),
  businessName: Type.Optional(Type.String(name)),
  externalId: Type.Optional(Type.String(externalId)),
  metadata: Type.Optional(ownPairs),
});
export type CreateCustomerBody = Static<typeof CreateCustomerBody>;

/** A string that `null` clears. */
function clearable(rules: object & { description?: string }): TUnsafe<string | null> {
  const description = [rules.description, '`null` clears it'].filter(Boolean).join('; ');
  return Type.Unsafe({ type: ['string', 'null'], ...rules, description });
}

export const UpdateCustomerBody = Type.Object({
  email: Type.Optional(Type.String(email)),
  firstName: Type.Optional(Type.String(name)),
  lastName: Type.Optional(Type.String(name)),
  phone: Type.Optional(clearable(phone)),
  businessName: Type.Optional(clearable(name)),
  externalId: Type.Optional(clearable(externalId)),
  metadata: Type.Optional(
    Type.Unsafe<Record<string, string>>({
      ...ownPairs,
      description: 'Your own key-value pairs; they take the place of all earlier ones',
    }),
  ),
  status: Type.Optional(
    oneOf(['active', 'suspended'], 'A suspended customer reads on and moves nothing until `active` again'),
  ),
});
export type UpdateCustomerBody = Static<typeof UpdateCustomerBody>;

export const CustomerQuery = Type.Object({
  email: Type.Optional(Type.String({ description: 'Only customers with this e-mail address, in any case' })),
  externalId: Type.Optional(Type.String({ description: 'Only customers with this id of yours' })),
  status: Type.Optional(oneOf(customerStatuses, 'Only customers with this status')),
  kycStatus: Type.Optional(oneOf(kycStatuses, 'Only customers whose verification stands so')),
  type: Type.Optional(oneOf(customerTypes, 'Only customers of this type')),
  ...createdRange,
});

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
  kycLink: nullableText(
    'The page where the customer gives their identity. Valid for a week at least; read the customer again for a fresh ' +
      'one, and revoke it if it got into wrong hands. `null` once the identity is approved or rejected',
  ),
  tosLink: nullableText(
    'The page where the customer accepts the terms, valid like `kycLink`. `null` once they are accepted',
  ),
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
  erasedAt: Type.Optional({
    ...time(),
    description:
      'When the customer was erased: what was known of them is gone, and names and e-mail say `erased`',
  }),
});

/** The personal data of a customer. The customer's row stores it sealed. */
export interface PersonalData {
  readonly email: string;
  readonly firstName: string;
  readonly lastName: string;
  readonly phone?: string;
  readonly businessName?: string;
}

const serialise = compileSerialiser<Static<typeof Customer>>(Customer);
const emailIndexContext = 'customers.email';

/** The seal context of a customer's personal data. */
export function personalContext(customerId: string): string {
  return `customers.personal:${customerId}`;
}

/** The personal data that is shown of an erased customer. */
const erasedPersonal: PersonalData = {
  email: 'erased@erased.invalid',
  firstName: 'erased',
  lastName: 'erased',
};

/** Opens the personal data of a customer's row. */
export function openPersonal(row: CustomerRow, vault: Vault): PersonalData {
  const open = (): PersonalData =>
    JSON.parse(vault.forCustomer(row).open(row.personal, personalContext(row.id)));
  return unlessErased(open, erasedPersonal);
}

/** The fingerprint by which an e-mail address is found, in any case of its letters. */
export function emailIndexOf(address: string, vault: Vault): string {
  return vault.fingerprint(address.toLowerCase(), emailIndexContext);
}

/** The fingerprints of an e-mail address under every master key. */
export function emailIndexesOf(address: string, vault: Vault): string[] {
  return vault.fingerprints(address.toLowerCase(), emailIndexContext);
}

/**
 * The JSON text of a customer.
 *
 * @param context what the customer's links are made with
 */
export function customerJson(row: CustomerRow, context: LinkContext): string {
  const personal = openPersonal(row, context.vault);
  const isErased = row.erased_at !== null;
  const isDecided = row.kyc_status === 'approved' || row.kyc_status === 'rejected';
  return serialise({
    ...personal,
    id: row.id,
    type: row.type,
    status: row.status,
    kycStatus: row.kyc_status,
    kycLink: isDecided || isErased ? null : linkUrl('kyc', row, context),
    tosLink: row.tos_accepted_at === null && !isErased ? linkUrl('terms', row, context) : null,
    capabilities: capabilitiesOf(row),
    externalId: row.external_id,
    metadata: JSON.parse(row.metadata),
    requirements: { missing: missingRequirements(row) },
    kycRejectionReasons: JSON.parse(row.kyc_rejection_reasons),
    tosAcceptedAt: row.tos_accepted_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    ...(row.erased_at === null ? {} : { erasedAt: row.erased_at }),
  });
}
