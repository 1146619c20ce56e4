import { faultsOf } from '../identity/answers.ts';
import { documentLabel } from '../identity/documents.ts';
import { missingSteps } from '../identity/form.ts';
import { ownerQuestions, questionSteps } from '../identity/questions.ts';
import { type Html, html } from '../platform/html.ts';
import { answerText } from './answer-text.ts';
import { sandboxButtons } from './sandbox-buttons.ts';
import { hiddenFields, stepPage } from './step-page.ts';
import type { Visit } from './visit.ts';

/** Renders the whole form for review before it is submitted. */
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

function row(term: string, text: string): Html {
  return html`<div><dt>${term}</dt><dd>${text}</dd></div>`;
}

function section(step: string, title: string, rows: readonly Html[]): Html {
  return html`<section class="summary"><div class="summary-head"><h2>${title}</h2><a href="${step}">Change<span class="hidden"> ${title}</span></a></div>
<dl>${rows.length === 0 ? row('Nothing yet', '') : rows}</dl></section>`;
}
