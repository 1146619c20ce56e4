import type { IdentityDocumentRow } from '../store/tables/customers.ts';

/** The documents that prove an identity, and the types of their files. */

export type ContentType = IdentityDocumentRow['content_type'];

/** A kind of document. */
export interface DocumentKind {
  readonly value: string;
  readonly label: string;
  /** Whether it proves the identity. A form needs at least one such document. */
  readonly proves: boolean;
}

const individualKinds: readonly DocumentKind[] = [
  { value: 'passport', label: 'Passport', proves: true },
  { value: 'identity_card', label: 'Identity card (front and back)', proves: true },
  { value: 'driving_licence', label: 'Driving licence (front and back)', proves: true },
  { value: 'residence_permit', label: 'Residence permit', proves: true },
  { value: 'proof_of_address', label: 'Proof of address, not older than three months', proves: false },
];

const businessKinds: readonly DocumentKind[] = [
  { value: 'registration', label: 'Certificate of incorporation or register extract', proves: true },
  { value: 'ownership', label: 'List of shareholders', proves: false },
  { value: 'owner_identity', label: 'Passport or identity card of an owner', proves: false },
  { value: 'proof_of_address', label: 'Proof of address of the business', proves: false },
];

/** The kinds of documents that a customer may upload. */
export function documentKinds(type: 'individual' | 'business'): readonly DocumentKind[] {
  return type === 'individual' ? individualKinds : businessKinds;
}

/** The label of a kind of document. */
export function documentLabel(kind: string): string {
  return [...individualKinds, ...businessKinds].find(({ value }) => value === kind)?.label ?? kind;
}

const signatures: readonly (readonly [ContentType, readonly number[]])[] = [
  ['image/jpeg', [0xff, 0xd8, 0xff]],
  ['image/png', [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]],
  ['application/pdf', [0x25, 0x50, 0x44, 0x46, 0x2d]],
];

/** How many first bytes identify the type of a file. */
export const signatureBytes = Math.max(...signatures.map(([, signature]) => signature.length));

/** The type of a file, by its first bytes (JPEG: ISO 10918-1; PNG: RFC 2083 §3.1; PDF: ISO 32000-1 §7.5.2). */
export function contentTypeOf(bytes: Uint8Array): ContentType | undefined {
  return signatures.find(([, signature]) => signature.every((byte, index) => bytes[index] === byte))?.[0];
}

/** File name extensions. */
export const extensions: Readonly<Record<ContentType, string>> = {
  'image/jpeg': 'jpg',
  'image/png': 'png',
  'application/pdf': 'pdf',
};
