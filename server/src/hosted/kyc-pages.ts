import type { AnswerFault, Answers } from '../identity/answers.ts';
import { documentKinds, documentLabel } from '../identity/documents.ts';
import { type FormDocument, isFull } from '../identity/form.ts';
import { ownerQuestions, type QuestionStep } from '../identity/questions.ts';
import { type Html, html } from '../platform/html.ts';
import { limits } from '../platform/limits.ts';
import { type Filled, faultOf, filledWith, idOf, questionField, radioButtons } from './questions.ts';
import { hiddenFields, stepPage } from './step-page.ts';
import type { Visit } from './visit.ts';

/** The pages of the identity form. */

/** The initial answers: the customer's data as the client has given it. */
function knownAnswers({ customer, form, personal }: Visit): Answers {
  const { businessName, firstName, lastName } = personal;
  const known = customer.type === 'individual' ? { firstName, lastName } : { legalName: businessName ?? '' };
  return { ...known, ...form.answers };
}

/** Renders a step that asks questions. */
export function questionsPage(
  visit: Visit,
  step: QuestionStep,
  filled: Filled = filledWith(knownAnswers(visit)),
  faults: readonly AnswerFault[] = [],
): string {
  const body = html`${step.lead === undefined ? undefined : html`<p class="lead">${step.lead}</p>`}
<form method="post" novalidate>
${hiddenFields(visit)}
${step.questions.map((question) => questionField(question, filled))}
<div class="actions"><button name="action" value="save">Save and continue</button></div>
</form>`;
  return stepPage(visit, step.name, step.title, body, faults);
}

/** Renders the owners of a business, and a form to add one. */
export function ownersPage(
  visit: Visit,
  filled: Filled = filledWith({}),
  faults: readonly AnswerFault[] = [],
): string {
  const { owners } = visit.form;
  const listed = owners.map(({ answers, key }) => {
    const name = `${answers.firstName} ${answers.lastName}`;
    return html`<li><span><strong>${name}</strong><span class="small">${answers.share} %</span></span>
<form method="post">${hiddenFields(visit)}<input type="hidden" name="owner" value="${key}"><button class="link" name="action" value="remove">Remove<span class="hidden"> ${name}</span></button></form></li>`;
  });
  const canAdd = owners.length < limits.ownersPerCase;
  const body = html`<p class="lead">Name everyone who owns 25 % or more of the business. If nobody does, name the person who controls it, with the share that they have.</p>
${owners.length === 0 ? undefined : html`<ul class="items">${listed}</ul>`}
${
  canAdd
    ? html`<form method="post" novalidate>
${hiddenFields(visit)}
<h2>${owners.length === 0 ? 'The first person' : 'Another person'}</h2>
${ownerQuestions.map((question) => questionField(question, filled))}
<div class="actions"><button class="${owners.length === 0 ? '' : 'plain'}" name="action" value="add">${
        owners.length === 0 ? 'Add this person' : 'Add another owner'
      }</button></div>
</form>`
    : undefined
}
${owners.length === 0 ? undefined : continueForm(visit, 'That is everyone: continue')}`;
  return stepPage(visit, 'owners', 'Who owns the business', body, faults);
}

function continueForm(visit: Visit, label: string): Html {
  return html`<form method="post">${hiddenFields(visit)}<div class="actions"><button name="action" value="next">${label}</button></div></form>`;
}

/** Renders the uploaded documents, and a form to add one. */
export function documentsPage(visit: Visit, kind = '', faults: readonly AnswerFault[] = []): string {
  const { customer, form } = visit;
  const fault = (field: string): string | undefined => faults.find((found) => found.field === field)?.message;
  const lead =
    customer.type === 'individual'
      ? 'Send a photo or a scan of a document with your name and picture. It must be valid, whole and readable.'
      : 'Send the certificate of incorporation or an extract of the company register.';
  const megabytes = Math.floor(limits.documentBytes / 1024 / 1024);
  const upload = html`<form method="post" enctype="multipart/form-data" novalidate>
${hiddenFields(visit)}
<input type="hidden" name="action" value="upload">
<fieldset class="${fault('kind') === undefined ? '' : 'faulty'}">
<legend>${form.documents.length === 0 ? 'What are you sending?' : 'Add another document'}</legend>
${faultOf('kind', fault('kind'))}
${radioButtons('kind', documentKinds(customer.type), kind)}
</fieldset>
<div class="${fault('file') === undefined ? 'field' : 'field faulty'}">
<label for="${idOf('file')}">File</label>
<p class="hint" id="${idOf('file')}-hint">JPEG, PNG or PDF, ${megabytes} MB at most</p>
${faultOf('file', fault('file'))}
<input type="file" id="${idOf('file')}" name="file" accept="image/jpeg,image/png,application/pdf" aria-describedby="${idOf('file')}-hint">
</div>
<div class="actions"><button class="${form.documents.length === 0 ? '' : 'plain'}">Upload</button></div>
</form>`;
  const body = html`<p class="lead">${lead}</p>
${form.documents.length === 0 ? undefined : html`<ul class="items">${form.documents.map((item) => documentItem(visit, item))}</ul>`}
${isFull(form) ? html`<p class="notice">You have sent as many documents as fit.</p>` : upload}
${form.documents.length === 0 ? undefined : continueForm(visit, 'Continue')}`;
  return stepPage(visit, 'documents', 'Your documents', body, faults);
}

function documentItem(visit: Visit, { byteSize, fileName, id, kind }: FormDocument): Html {
  return html`<li><span><strong>${documentLabel(kind)}</strong><span class="small">${fileName}, ${sizeText(byteSize)}</span></span>
<form method="post">${hiddenFields(visit)}<input type="hidden" name="document" value="${id}"><button class="link" name="action" value="remove">Remove<span class="hidden"> ${documentLabel(kind)}, ${fileName}</span></button></form></li>`;
}

function sizeText(bytes: number): string {
  return bytes < 1024 * 1024
    ? `${Math.max(1, Math.round(bytes / 1024))} KB`
    : `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}
