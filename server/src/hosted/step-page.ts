import type { AnswerFault } from '../identity/answers.ts';
import { missingSteps, stepNames } from '../identity/form.ts';
import { type QuestionStep, questionSteps } from '../identity/questions.ts';
import { isOpen } from '../identity/state.ts';
import { type Html, html, type Piece } from '../platform/html.ts';
import { renderPage } from './layout.ts';
import { faultSummary } from './questions.ts';
import type { Visit } from './visit.ts';

/** The order and the frame of the steps of the identity form. */

/** The page after a step: the next incomplete one, or else the review. */
export function stepAfter(visit: Visit, step: string): string {
  const steps = stepNames(visit.customer.type);
  const missing = missingSteps(visit.customer.type, visit.form, visit.rules);
  return steps.slice(steps.indexOf(step) + 1).find((name) => missing.includes(name)) ?? 'review';
}

/** The page that a link opens: the first incomplete step, or the status. */
export function firstPage(visit: Visit): string {
  if (!isOpen(visit.customer) || visit.customer.kyc_status === 'incomplete') return 'status';
  const [missing = 'review'] = missingSteps(visit.customer.type, visit.form, visit.rules);
  return missing;
}

/** The step of a form that asks questions, by its name. */
export function questionStep(visit: Visit, name: string): QuestionStep | undefined {
  return questionSteps(visit.customer.type).find((step) => step.name === name);
}

/** The hidden field of every form, which proves that a server made it. */
export function hiddenFields(visit: Visit): Html {
  return html`<input type="hidden" name="form" value="${visit.formToken}">`;
}

/** Renders a step in its frame. */
export function stepPage(
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
