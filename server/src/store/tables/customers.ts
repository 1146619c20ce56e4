import { bool, bytea, identified, int4, json, owned, type RowIn, table, text, timestamptz } from './table.ts';

/** Customers, their identity checks, and the accounts that they are paid out to. */

export const customers = table('customers', {
  ...owned,
  type: text<'individual' | 'business'>(),
  status: text<'active' | 'suspended' | 'rejected'>().mutable(),
  kyc_status: text<'not_started' | 'under_review' | 'incomplete' | 'approved' | 'rejected'>().mutable(),
  /** Names, birth date, addresses and the like as JSON, sealed. */
  personal: text().mutable(),
  email_index: text().mutable(),
  external_id: text().nullable().mutable(),
  metadata: json().mutable(),
  kyc_rejection_reasons: json().mutable(),
  tos_accepted_at: timestamptz().nullable().mutable(),
  /** How many times the customer's links have been revoked. */
  link_generation: int4().mutable(),
  created_at: timestamptz(),
  updated_at: timestamptz().mutable(),
  /** 32 bytes that the customer's key is derived from; null once the customer is erased. */
  key_salt: bytea().nullable().mutable(),
  erased_at: timestamptz().nullable().mutable(),
});
export type CustomerRow = RowIn<typeof customers>;

/** Who had a customer erased, and why. Its id is the customer's. */
export const customerErasures = table('customer_erasures', {
  ...owned,
  /** The id of an API key, or the operating system's name of the operator. */
  erased_by: text(),
  reason: text().nullable(),
  forced: bool(),
  /** Until when the data had to be kept; null without such a duty. */
  retained_until: timestamptz().nullable(),
  erased_at: timestamptz(),
  scrubbed_at: timestamptz().nullable(),
});

export const identityCases = table('identity_cases', {
  ...owned,
  customer_id: text(),
  status: text<'draft' | 'under_review' | 'incomplete' | 'approved' | 'rejected'>().mutable(),
  /** What the customer has filled in as JSON, sealed. */
  form: text().mutable(),
  version: int4().mutable(),
  submitted_at: timestamptz().nullable().mutable(),
  decided_at: timestamptz().nullable().mutable(),
  decided_by: text<'sandbox' | 'operator'>().nullable().mutable(),
  reasons: json().mutable(),
  created_at: timestamptz(),
  updated_at: timestamptz().mutable(),
});
export type IdentityCaseRow = RowIn<typeof identityCases>;

export const identityDocuments = table('identity_documents', {
  ...owned,
  customer_id: text(),
  case_id: text(),
  kind: text(),
  content_type: text<'image/jpeg' | 'image/png' | 'application/pdf'>(),
  byte_size: int4(),
  sha256: bytea(),
  created_at: timestamptz(),
  removed_at: timestamptz().nullable().mutable(),
});
export type IdentityDocumentRow = RowIn<typeof identityDocuments>;

export const identityDocumentContents = table('identity_document_contents', {
  ...identified,
  content: text().mutable(),
  created_at: timestamptz(),
});

export const identityDocumentChunks = table('identity_document_chunks', {
  ...identified,
  number: int4(),
  is_last: bool(),
  content: text().mutable(),
});

export const identityUploads = table('identity_uploads', {
  ...identified,
  case_id: text(),
  expires_at: timestamptz().mutable(),
});

export const termsAcceptances = table('terms_acceptances', {
  ...owned,
  customer_id: text(),
  version: text(),
  text_sha256: bytea(),
  evidence: text(),
  accepted_at: timestamptz(),
});
export type TermsAcceptanceRow = RowIn<typeof termsAcceptances>;

export const counterparties = table('counterparties', {
  ...owned,
  customer_id: text(),
  account_type: text<
    'us_bank' | 'iban' | 'gb_bank' | 'clabe' | 'pix' | 'mobile_money' | 'ghipss' | 'nip' | 'swift'
  >(),
  currency: text(),
  status: text<'active' | 'inactive'>().mutable(),
  /** Owner, bank and account numbers as JSON, sealed. */
  account: text(),
  created_at: timestamptz(),
  updated_at: timestamptz().mutable(),
});
export type CounterpartyRow = RowIn<typeof counterparties>;
