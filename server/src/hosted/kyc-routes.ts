import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { parseAnswers } from '../identity/answers.ts';
import { documentsFault, ownersFault, stepNames } from '../identity/form.ts';
import { ownerQuestions, type QuestionStep } from '../identity/questions.ts';
import { type CaseDecision, decisionByName, isOpen, type KycStatus } from '../identity/state.ts';
import { isId } from '../platform/ids.ts';
import {
  addOwner,
  decideCase,
  type EditResult,
  removeDocument,
  removeOwner,
  saveAnswers,
  submitCase,
} from '../resources/identity/commands.ts';
import type { PostedForm } from './form-body.ts';
import { requireFormToken } from './guard.ts';
import { documentsPage, ownersPage, questionsPage } from './kyc-pages.ts';
import { PageError } from './page-error.ts';
import { filledBy } from './questions.ts';
import { references } from './references.ts';
import { reviewPage } from './review-page.ts';
import { statusPage } from './status-page.ts';
import { firstPage, questionStep, stepAfter } from './step-page.ts';
import { takeUpload } from './upload.ts';
import { type HostedDeps, isMultipart, redirectTo, run, sendPage, tokenOf, type Visit } from './visit.ts';

const unprocessable = 422;

/** A form that was sent with a valid link. */
interface Post {
  readonly visit: Visit;
  readonly posted: PostedForm;
  readonly reply: FastifyReply;
  readonly deps: HostedDeps;
}

/** Adds the pages of the identity form. */
export function addKycRoutes(scope: FastifyInstance, deps: HostedDeps): void {
  scope.get('/kyc/:token', async (request, reply) => {
    const { visit } = request;
    return redirectTo(reply, `${tokenOf(request)}/${firstPage(visit)}`);
  });
  scope.get('/kyc/:token/:step', async (request, reply) => {
    return showStep(request.visit, stepOf(request), reply);
  });
  scope.post('/kyc/:token/:step', async (request, reply) => {
    const { visit } = request;
    if (isMultipart(request)) return takeUpload(visit, request, reply, deps);
    const posted = request.body as PostedForm;
    requireFormToken(posted, tokenOf(request), deps.vault);
    return takeStep({ visit, posted, reply, deps }, stepOf(request));
  });
}

function stepOf(request: FastifyRequest): string {
  return (request.params as { step: string }).step;
}

function showStep(visit: Visit, step: string, reply: FastifyReply): FastifyReply {
  if (step === 'status') {
    return visit.customer.kyc_status === 'not_started' && isOpen(visit.customer)
      ? redirectTo(reply, firstPage(visit))
      : sendPage(reply, statusPage(visit));
  }
  if (!stepNames(visit.customer.type).includes(step)) throw new PageError('page_not_found');
  if (!isOpen(visit.customer)) return redirectTo(reply, 'status');
  if (step === 'owners') return sendPage(reply, ownersPage(visit));
  if (step === 'documents') return sendPage(reply, documentsPage(visit));
  if (step === 'review') return sendPage(reply, reviewPage(visit));
  return sendPage(reply, questionsPage(visit, questionStep(visit, step) as QuestionStep));
}

function takeStep(post: Post, step: string): Promise<FastifyReply> {
  const { customer, isSandbox } = post.visit;
  if (step === 'decide' && isSandbox) return takeDecision(post);
  if (!stepNames(customer.type).includes(step)) throw new PageError('page_not_found');
  if (step === 'owners') return takeOwners(post);
  if (step === 'documents') return takeDocuments(post);
  if (step === 'review') return takeSubmission(post);
  return takeAnswers(post, questionStep(post.visit, step) as QuestionStep);
}

async function takeAnswers({ deps, posted, reply, visit }: Post, step: QuestionStep): Promise<FastifyReply> {
  if (posted.text('action') === 'search') {
    return sendPage(reply, questionsPage(visit, step, filledBy(posted.text, [])));
  }
  const { answers, faults } = parseAnswers(step.questions, posted.text, visit.rules);
  if (faults.length > 0) {
    const page = questionsPage(visit, step, filledBy(posted.text, faults), faults);
    return sendPage(reply, page, unprocessable);
  }
  const result = await run(visit, deps, saveAnswers(visit.ref, answers));
  const form = { ...visit.form, answers: { ...visit.form.answers, ...answers } };
  return redirectTo(reply, result === 'closed' ? 'status' : stepAfter({ ...visit, form }, step.name));
}

/** Redirects after a change of a list to the same page, which shows the change. */
function afterEdit(result: EditResult, step: string, reply: FastifyReply): FastifyReply {
  return redirectTo(reply, result === 'closed' ? 'status' : step);
}

async function takeOwners({ deps, posted, reply, visit }: Post): Promise<FastifyReply> {
  const action = posted.text('action');
  if (action === 'remove') {
    return afterEdit(await run(visit, deps, removeOwner(visit.ref, posted.text('owner'))), 'owners', reply);
  }
  const refuse = (faults: { field: string; message: string }[]): FastifyReply =>
    sendPage(reply, ownersPage(visit, filledBy(posted.text, faults), faults), unprocessable);
  if (action === 'next') {
    const message = ownersFault(visit.form.owners, visit.rules);
    return message === undefined
      ? redirectTo(reply, stepAfter(visit, 'owners'))
      : refuse([{ field: 'firstName', message }]);
  }
  const { answers, faults } = parseAnswers(ownerQuestions, posted.text, visit.rules);
  if (faults.length > 0) return refuse([...faults]);
  const result = await run(visit, deps, addOwner(visit.ref, answers));
  if (result === 'refused') {
    return refuse([{ field: 'share', message: 'Together the shares are more than 100 percent.' }]);
  }
  return afterEdit(result, 'owners', reply);
}

async function takeDocuments({ deps, posted, reply, visit }: Post): Promise<FastifyReply> {
  const action = posted.text('action');
  if (action === 'remove') {
    const id = posted.text('document');
    if (!isId(id, 'doc')) throw new PageError('bad_form');
    return afterEdit(await run(visit, deps, removeDocument(visit.ref, id)), 'documents', reply);
  }
  const refuse = (faults: readonly { field: string; message: string }[]): FastifyReply =>
    sendPage(reply, documentsPage(visit, posted.text('kind'), faults), unprocessable);
  if (action === 'next') {
    const message = documentsFault(visit.customer.type, visit.form.documents);
    return message === undefined
      ? redirectTo(reply, stepAfter(visit, 'documents'))
      : refuse([{ field: 'kind', message }]);
  }
  // An upload is a form of another type.
  return refuse([{ field: 'file', message: 'Choose a file.' }]);
}

async function takeSubmission({ deps, posted, reply, visit }: Post): Promise<FastifyReply> {
  const version = Number(posted.text('version'));
  const command = submitCase(visit.ref, version, references, sandboxDecision(visit, posted.text('decision')));
  const result = await run(visit, deps, command);
  if (result === 'changed' || result === 'incomplete') {
    const message =
      result === 'changed'
        ? 'Something has changed since you opened this page. Check it again.'
        : 'Something is still missing.';
    return sendPage(reply, reviewPage(visit, message), unprocessable);
  }
  return redirectTo(reply, 'status');
}

const offered: readonly KycStatus[] = ['approved', 'under_review', 'rejected'];

/** The immediate decision of the sandbox: by a test value of the last name, or else by the user's choice. Live has none. */
function sandboxDecision({ form, isSandbox, personal }: Visit, chosen: string): KycStatus | undefined {
  if (!isSandbox) return undefined;
  return (
    decisionByName([form.answers.lastName, personal.lastName]) ?? offered.find((status) => status === chosen)
  );
}

const decisions: readonly CaseDecision[] = ['approved', 'rejected', 'incomplete'];

async function takeDecision({ deps, posted, reply, visit }: Post): Promise<FastifyReply> {
  const decision = decisions.find((known) => known === posted.text('decision'));
  if (!decision) throw new PageError('bad_form');
  await run(visit, deps, decideCase(visit.ref, decision, [], 'sandbox'));
  return redirectTo(reply, 'status');
}
