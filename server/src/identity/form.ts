import { limits } from '../platform/limits.ts';
import { type AnswerRules, type Answers, faultsOf } from './answers.ts';
import { type ContentType, documentKinds } from './documents.ts';
import { ownerQuestions, questionSteps } from './questions.ts';

/** A person who owns a part of a business. */
export interface Owner {
  /** Identifies the owner within the form. */
  readonly key: string;
  readonly answers: Answers;
}

/** A document that was uploaded. */
export interface FormDocument {
  readonly id: string;
  readonly kind: string;
  /** The name of the file as it was on the customer's device. */
  readonly fileName: string;
  readonly contentType: ContentType;
  readonly byteSize: number;
}

/** The data that a customer has entered. Their case stores it sealed. */
export interface IdentityForm {
  readonly answers: Answers;
  readonly owners: readonly Owner[];
  readonly documents: readonly FormDocument[];
  /** How many documents were ever uploaded, removed ones included. */
  readonly uploads: number;
}

export const emptyForm: IdentityForm = { answers: {}, owners: [], documents: [], uploads: 0 };

type CustomerType = 'individual' | 'business';

/** The names of all steps of a form, in their order. */
export function stepNames(type: CustomerType): readonly string[] {
  const asked = questionSteps(type).map(({ name }) => name);
  return [...asked, ...(type === 'business' ? ['owners'] : []), 'documents', 'review'];
}

/** The incomplete steps, without `review`. A form without any can be submitted. */
export function missingSteps(type: CustomerType, form: IdentityForm, rules: AnswerRules): readonly string[] {
  const asked = questionSteps(type)
    .filter(({ questions }) => faultsOf(questions, form.answers, rules).length > 0)
    .map(({ name }) => name);
  return [
    ...asked,
    ...(type === 'business' && ownersFault(form.owners, rules) !== undefined ? ['owners'] : []),
    ...(documentsFault(type, form.documents) === undefined ? [] : ['documents']),
  ];
}

/** The fault of the list of owners, if any. */
export function ownersFault(owners: readonly Owner[], rules: AnswerRules): string | undefined {
  if (owners.length === 0) return 'Add at least one person.';
  if (owners.some(({ answers }) => faultsOf(ownerQuestions, answers, rules).length > 0))
    return 'Remove the person whose details are out of date, and add them again.';
  return sharesFault(owners.map(({ answers }) => answers));
}

/** The fault of the owners' total share, if any. */
export function sharesFault(owners: readonly Answers[]): string | undefined {
  const total = owners.reduce((sum, { share = '0' }) => sum + Math.round(Number(share) * 100), 0);
  return total > 100 * 100 ? 'Together the shares are more than 100 percent.' : undefined;
}

/** The fault of the documents, if any. */
export function documentsFault(type: CustomerType, documents: readonly FormDocument[]): string | undefined {
  const proving = documentKinds(type).filter(({ proves }) => proves);
  if (documents.some(({ kind }) => proving.some(({ value }) => value === kind))) return undefined;
  return type === 'individual'
    ? 'Add a passport, identity card, driving licence or residence permit.'
    : 'Add the certificate of incorporation or an extract of the company register.';
}

/** Whether the form accepts no further document. */
export function isFull({ documents, uploads }: IdentityForm): boolean {
  return documents.length >= limits.documentsPerCase || uploads >= limits.uploadsPerCase;
}
