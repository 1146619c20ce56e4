import { type Html, html, type Piece } from '../http/docs/html.ts';
import { type AnswerFault, type Answers, faultsOf } from '../identity/answers.ts';
import { documentKinds, documentLabel } from '../identity/documents.ts';
import { type FormDocument, isFull, missingSteps, stepNames } from '../identity/form.ts';
import { isOpen } from '../identity/lifecycle.ts';
import { ownerQuestions, type QuestionStep, questionSteps } from '../identity/questions.ts';
import { limits } from '../platform/limits.ts';
import { answerText } from './answer-text.ts';
import { renderPage } from './layout.ts';
import {
  type Filled,
  faultOf,
  faultSummary,
  filledWith,
  idOf,
  questionField,
  radioButtons,
} from './questions.ts';
import type { Visit } from './visit.ts';

/** The pages of the identity form. */

/** The page to go to from a step: the next one that is not done, else the review. */
export function stepAfter(visit: Visit, step: string): string {
  const steps = stepNames(visit.customer.type);
  const missing = missingSteps(visit.customer.type, visit.form, visit.rules);
  return steps.slice(steps.indexOf(step) + 1).find((name) => missing.includes(name)) ?? 'review';
}

/** The page that a link opens: where the customer left off, or how things stand. */
export function firstPage(visit: Visit): string {
  if (!isOpen(visit.customer) || visit.customer.kyc_status === 'incomplete') return 'status';
  const [missing = 'review'] = missingSteps(visit.customer.type, visit.form, visit.rules);
  return missing;
}

/** The step of a form that asks questions, by its name. */
export function questionStep(visit: Visit, name: string): QuestionStep | undefined {
  return questionSteps(visit.customer.type).find((step) => step.name === name);
}

function hiddenFields(visit: Visit): Html {
  return html`<input type="hidden" name="form" value="${visit.formToken}">`;
}

/** Renders a step with what goes around it. */
function stepPage(
  visit: Visit,
  step: string,
  title: string,
  body: Piece,
  faults: readonly AnswerFault[] = [],
): string {
  const steps = stepNames(visit.customer.type);
  const index = steps.indexOf(step);
  return renderPage({
    title,
    body: [faultSummary(faults), html`<h1>${title}</h1>`, body],
    isFaulty: faults.length > 0,
    isSandbox: visit.isSandbox,
    progress: { step: index + 1, of: steps.length },
    back: steps[index - 1],
  });
}

/** What is filled in before the customer has answered: what the client has told of them. */
function knownAnswers({ customer, form, personal }: Visit): Answers {
  const { businessName, firstName, lastName } = personal;
  const known = customer.type === 'individual' ? { firstName, lastName } : { legalName: businessName ?? '' };
  return { ...known, ...form.answers };
}

/** A step that asks questions. */
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

/** The owners of a business, and a form for one more. */
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

/** The documents that were uploaded, and a form for one more. */
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
<legend>${form.documents.length === 0 ? 'What do you send?' : 'Add another document'}</legend>
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

/** Everything that was filled in, to be looked at once more before it is submitted. */
export function reviewPage(visit: Visit, message?: string): string {
  const { customer, form, found, isSandbox, rules } = visit;
  const missing = missingSteps(customer.type, form, rules);
  const sections = questionSteps(customer.type).map((step) => {
    const faulty = new Set(faultsOf(step.questions, form.answers, rules).map(({ field }) => field));
    const rows = step.questions.flatMap((question): Html[] => {
      const text = faulty.has(question.name) ? 'Missing' : answerText(question, form.answers);
      return text === '' ? [] : [row(question.label, text)];
    });
    return section(step.name, step.title, rows);
  });
  const owners = form.owners.map(({ answers }) =>
    row(
      `${answers.firstName} ${answers.lastName}`,
      ownerQuestions
        .slice(2)
        .map((question) => answerText(question, answers))
        .join(' · '),
    ),
  );
  const documents = form.documents.map(({ fileName, kind }) => row(documentLabel(kind), fileName));
  const body = html`<p class="lead">Check that everything is right before you send it. You cannot change it while it is being checked.</p>
${message === undefined ? undefined : html`<p class="notice note" role="alert">${message}</p>`}
${sections}
${customer.type === 'business' ? section('owners', 'Who owns the business', owners) : undefined}
${section('documents', 'Your documents', documents)}
${
  missing.length > 0
    ? html`<p class="notice note">Something is still missing.</p><div class="actions"><a class="button" href="${missing[0]}">Go on</a></div>`
    : html`<form method="post">${hiddenFields(visit)}
<input type="hidden" name="version" value="${found?.version ?? 0}">
${isSandbox ? sandboxButtons('Send, and let the sandbox decide:', 'Send and ') : sendButton()}
</form>`
}`;
  return stepPage(visit, 'review', 'Check your answers', body);
}

function sendButton(): Html {
  return html`<p>By sending this you confirm that it is true and complete.</p>
<div class="actions"><button name="action" value="submit">Confirm and send</button></div>`;
}

function sandboxButtons(lead: string, prefix: string): Html {
  const button = (decision: string, label: string, style: string): Html =>
    html`<button class="${style}" name="decision" value="${decision}">${prefix}${label}</button>`;
  const capital = (text: string): string =>
    prefix === '' ? text.charAt(0).toUpperCase() + text.slice(1) : text;
  return html`<div class="notice note"><h2>Sandbox</h2><p>${lead}</p></div>
<div class="actions">${button('approved', capital('approve'), '')}${
    prefix === ''
      ? button('incomplete', capital('ask again'), 'plain')
      : button('under_review', 'leave under review', 'plain')
  }${button('rejected', capital('reject'), 'plain')}</div>`;
}

function row(term: string, text: string): Html {
  return html`<div><dt>${term}</dt><dd>${text}</dd></div>`;
}

function section(step: string, title: string, rows: readonly Html[]): Html {
  return html`<section class="summary"><div class="summary-head"><h2>${title}</h2><a href="${step}">Change<span class="hidden"> ${title}</span></a></div>
<dl>${rows.length === 0 ? row('Nothing yet', '') : rows}</dl></section>`;
}

/** How things stand, once there is nothing to fill in for the moment. */
export function statusPage(visit: Visit): string {
  const { customer, isSandbox } = visit;
  const shown = statuses[customer.kyc_status];
  const reasons = (JSON.parse(customer.kyc_rejection_reasons) as { customerMessage: string }[]).map(
    ({ customerMessage }) => html`<li>${customerMessage}</li>`,
  );
  const body = html`<div class="state">${icon(shown.mood)}<h1>${shown.title}</h1></div>
<p>${shown.text}</p>
${reasons.length === 0 ? undefined : html`<ul>${reasons}</ul>`}
${customer.kyc_status === 'incomplete' ? html`<div class="actions"><a class="button" href="review">Change and send again</a></div>` : undefined}
${customer.kyc_status !== 'rejected' && customer.tos_accepted_at === null ? termsNotice(visit) : undefined}
${
  isSandbox && customer.kyc_status === 'under_review'
    ? html`<form method="post" action="decide">${hiddenFields(visit)}${sandboxButtons('Decide the verification:', '')}</form>`
    : undefined
}`;
  return renderPage({ title: shown.title, body, isSandbox });
}

function termsNotice(visit: Visit): Html {
  return html`<div class="notice"><h2>One more thing</h2><p>Please read and accept the terms, too.</p>
<p><a href="../../terms/${visit.otherLink('terms')}">Read the terms</a></p></div>`;
}

type Mood = 'good' | 'wait' | 'bad';

const statuses: Readonly<
  Record<
    Visit['customer']['kyc_status'],
    { readonly mood: Mood; readonly title: string; readonly text: string }
  >
> = {
  not_started: {
    mood: 'wait',
    title: 'Your identity is not verified yet',
    text: 'Open the form and fill it in.',
  },
  under_review: {
    mood: 'wait',
    title: 'We are checking your details',
    text: 'Thank you. Everything has arrived, and there is nothing to do for you now. You can close this page.',
  },
  incomplete: {
    mood: 'wait',
    title: 'We need something more',
    text: 'We could not finish checking your details:',
  },
  approved: {
    mood: 'good',
    title: 'Your identity is verified',
    text: 'Thank you. You can close this page.',
  },
  rejected: {
    mood: 'bad',
    title: 'We could not verify your identity',
    text: 'If you think that this is wrong, talk to the company that sent you here.',
  },
};

const paths: Readonly<Record<Mood, Html>> = {
  good: html`<path d="M4 12.5l5.5 5.5L20 6.5"/>`,
  wait: html`<path d="M12 6v6l4 2.5"/><circle cx="12" cy="12" r="9.5"/>`,
  bad: html`<path d="M6 6l12 12M18 6L6 18"/>`,
};

/** A mark that says at a glance how things stand; the words beside it say the same. */
export function icon(mood: Mood): Html {
  return html`<svg class="${mood}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2.5" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">${paths[mood]}</svg>`;
}
