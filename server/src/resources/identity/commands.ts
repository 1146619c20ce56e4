import type { AnswerRules, Answers, References } from '../../identity/answers.ts';
import {
  type FormDocument,
  type IdentityForm,
  isFull,
  missingSteps,
  sharesFault,
} from '../../identity/form.ts';
import {
  type CaseDecision,
  caseIdOf,
  caseWithForm,
  decidedCase,
  isOpen,
  type KycStatus,
  openForm,
  submittedCase,
} from '../../identity/state.ts';
import { notFound } from '../../platform/errors.ts';
import { bucketOfId } from '../../platform/ids.ts';
import { limits } from '../../platform/limits.ts';
import type {
  CustomerRow,
  IdentityCaseRow,
  IdentityDocumentRow,
  TermsAcceptanceRow,
} from '../../store/tables/customers.ts';
import type { Command, DecideContext, Decision, RowWrite } from '../../writer/command.ts';
import { customerUpdate, findCustomerIn } from '../customers/commands.ts';
import type { RejectionReason } from '../customers/schema.ts';
import { acceptedTerms, decideIdentity } from '../customers/state.ts';

/** Identifies a customer's case. */
export interface CaseRef {
  readonly environmentId: string;
  readonly customerId: string;
}

/**
 * The result of a change of a form: `closed` if it can no longer be changed, `full` if it accepts no more entries, `refused`
 * if it would be inconsistent.
 */
export type EditResult = 'saved' | 'closed' | 'full' | 'refused';

interface Subject {
  readonly customer: CustomerRow;
  readonly found: IdentityCaseRow | undefined;
  readonly form: IdentityForm;
  /** The document of the command, if it has one. */
  readonly document: IdentityDocumentRow | undefined;
}

/**
 * Makes a command on a customer's case.
 *
 * @param documentId a document that it also reads
 */
function onCase<Result>(
  name: string,
  { customerId, environmentId }: CaseRef,
  decide: (subject: Subject, context: DecideContext) => Decision<Result>,
  documentId?: string,
): Command<Result> {
  const bucket = bucketOfId(customerId);
  const caseId = caseIdOf(customerId);
  return {
    name,
    environmentId,
    bucket,
    reads: () => [
      { table: 'customers', bucket, id: customerId },
      { table: 'identity_cases', bucket, id: caseId },
      ...(documentId === undefined ? [] : [{ table: 'identity_documents', bucket, id: documentId } as const]),
    ],
    decide(state, context) {
      const customer = findCustomerIn(state, context, customerId);
      if (!customer || customer.erased_at !== null) return { refusal: notFound('customer') };
      const found = state.get('identity_cases', caseId);
      const document = documentId === undefined ? undefined : state.get('identity_documents', documentId);
      return decide({ customer, found, document, form: openForm(found, context.vault) }, context);
    },
  };
}

/** The changed form with further rows to write, or why there is no change. */
type Edit = { readonly form: IdentityForm; readonly writes?: readonly RowWrite[] } | 'full' | 'refused';

function editForm(
  name: string,
  ref: CaseRef,
  edit: (subject: Subject, context: DecideContext) => Edit,
  documentId?: string,
): Command<EditResult> {
  const decide = (subject: Subject, context: DecideContext): Decision<EditResult> => {
    const { customer, found } = subject;
    if (!isOpen(customer)) return { result: 'closed' };
    const edited = edit(subject, context);
    if (typeof edited === 'string') return { result: edited };
    const row = caseWithForm(customer, found, edited.form, context);
    return { result: 'saved', writes: [{ table: 'identity_cases', row }, ...(edited.writes ?? [])] };
  };
  return onCase(name, ref, decide, documentId);
}

/** Saves the validated answers of a step. */
export function saveAnswers(ref: CaseRef, answers: Answers): Command<EditResult> {
  return editForm('save_identity_answers', ref, ({ form }) => ({
    form: { ...form, answers: { ...form.answers, ...answers } },
  }));
}

/** Adds an owner of a business, with validated answers. */
export function addOwner(ref: CaseRef, answers: Answers): Command<EditResult> {
  return editForm('add_identity_owner', ref, ({ form, found }) => {
    if (form.owners.length >= limits.ownersPerCase) return 'full';
    if (sharesFault([...form.owners.map((owner) => owner.answers), answers]) !== undefined) return 'refused';
    // Versions only increase, so that keys of owners are unique.
    const key = String(found?.version ?? 0);
    return { form: { ...form, owners: [...form.owners, { key, answers }] } };
  });
}

/** Removes an owner. Repeating it changes nothing. */
export function removeOwner(ref: CaseRef, key: string): Command<EditResult> {
  return editForm('remove_identity_owner', ref, ({ form }) => ({
    form: { ...form, owners: form.owners.filter((owner) => owner.key !== key) },
  }));
}

/** A document whose bytes have been stored. */
export interface KeptDocument extends FormDocument {
  readonly sha256: Buffer;
}

/** Adds a document to the form. */
export function addDocument(ref: CaseRef, document: KeptDocument): Command<EditResult> {
  return editForm('add_identity_document', ref, ({ customer, form }, { now }) => {
    if (isFull(form)) return 'full';
    const { byteSize, contentType, fileName, id, kind, sha256 } = document;
    const { bucket, environment_id, id: customer_id } = customer;
    return {
      form: {
        ...form,
        documents: [...form.documents, { id, kind, fileName, contentType, byteSize }],
        uploads: form.uploads + 1,
      },
      writes: [
        {
          table: 'identity_documents',
          row: {
            bucket,
            id,
            environment_id,
            customer_id,
            case_id: caseIdOf(customer_id),
            kind,
            content_type: contentType,
            byte_size: byteSize,
            sha256,
            created_at: now,
            removed_at: null,
          },
        },
      ],
    };
  });
}

/** Removes a document; the retention worker deletes its bytes. Repeating it changes nothing. */
export function removeDocument(ref: CaseRef, documentId: string): Command<EditResult> {
  const edit = ({ document, form }: Subject, { now }: DecideContext): Edit => {
    const isTheirs = document?.customer_id === ref.customerId && document.removed_at === null;
    return {
      form: { ...form, documents: form.documents.filter(({ id }) => id !== documentId) },
      writes: isTheirs ? [{ table: 'identity_documents', row: { ...document, removed_at: now } }] : [],
    };
  };
  return editForm('remove_identity_document', ref, edit, documentId);
}

/** The result of submitting: `changed` if the form differs from the one that was shown. */
export type SubmitResult = 'submitted' | 'closed' | 'changed' | 'incomplete';

/**
 * Submits a form for a decision.
 *
 * @param version the version of the case that was shown, so that nobody submits a form they have not seen
 * @param decision the immediate decision of the sandbox; undefined in live
 */
export function submitCase(
  ref: CaseRef,
  version: number,
  references: References,
  decision: KycStatus | undefined,
): Command<SubmitResult> {
  return onCase('submit_identity', ref, ({ customer, form, found }, context) => {
    if (!isOpen(customer)) return { result: 'closed' };
    if (found?.version !== version) return { result: 'changed' };
    const rules: AnswerRules = { nowMs: context.nowMs, references };
    if (missingSteps(customer.type, form, rules).length > 0) return { result: 'incomplete' };
    const submitted = submittedCase(found, context.now);
    const status = decision ?? 'under_review';
    const row =
      status === 'under_review' ? submitted : decidedCase(submitted, status, [], 'sandbox', context.now);
    const update = customerUpdate(customer, decideIdentity(customer, status, [], context.now), context);
    return {
      result: 'submitted',
      writes: [{ table: 'identity_cases', row }, ...update.writes],
      events: update.events,
    };
  });
}

/**
 * Decides on a customer who is under review. In the sandbox such a customer may have no case.
 *
 * @returns `not_waiting` if the customer is not under review; nothing changes then
 */
export function decideCase(
  ref: CaseRef,
  decision: CaseDecision,
  reasons: readonly RejectionReason[],
  by: 'sandbox' | 'operator',
): Command<'decided' | 'not_waiting'> {
  return onCase('decide_identity', ref, ({ customer, found }, context) => {
    if (customer.kyc_status !== 'under_review') return { result: 'not_waiting' };
    const update = customerUpdate(
      customer,
      decideIdentity(customer, decision, reasons, context.now),
      context,
    );
    const cases: readonly RowWrite[] = found
      ? [{ table: 'identity_cases', row: decidedCase(found, decision, reasons, by, context.now) }]
      : [];
    return { result: 'decided', writes: [...cases, ...update.writes], events: update.events };
  });
}

/** The terms as they were shown. */
export interface ShownTerms {
  readonly version: string;
  /** SHA-256 of their text. */
  readonly sha256: Buffer;
}

/** The origin of an acceptance. */
export interface Evidence {
  readonly address: string;
  readonly userAgent: string;
}

/** Accepts the terms. Repeating it changes nothing. */
export function acceptTerms(ref: CaseRef, terms: ShownTerms, evidence: Evidence): Command<'accepted'> {
  return onCase('accept_terms', ref, ({ customer }, context) => {
    if (customer.tos_accepted_at !== null) return { result: 'accepted' };
    const id = context.newId('tos');
    const update = customerUpdate(customer, acceptedTerms(customer, context.now), context);
    const row: TermsAcceptanceRow = {
      bucket: customer.bucket,
      id,
      environment_id: customer.environment_id,
      customer_id: customer.id,
      version: terms.version,
      text_sha256: terms.sha256,
      evidence: context.vault.forCustomer(customer).seal(JSON.stringify(evidence), evidenceContext(id)),
      accepted_at: context.now,
    };
    return {
      result: 'accepted',
      writes: [{ table: 'terms_acceptances', row }, ...update.writes],
      events: update.events,
    };
  });
}

/** The seal context of the evidence of an acceptance. */
export function evidenceContext(acceptanceId: string): string {
  return `terms_acceptances.evidence:${acceptanceId}`;
}
