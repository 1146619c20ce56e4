import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AnswerFault } from '../identity/answers.ts';
import { documentKinds } from '../identity/documents.ts';
import { isFull } from '../identity/form.ts';
import { caseIdOf, isOpen } from '../identity/state.ts';
import { limits } from '../platform/limits.ts';
import {
  addDocument,
  type EditResult,
  type KeptDocument,
  removeDocument,
} from '../resources/identity/commands.ts';
import { claimUpload, dropUpload, finishUpload } from '../store/document-contents.ts';
import { requireFormToken } from './guard.ts';
import { documentsPage } from './kyc-pages.ts';
import { PageError } from './page-error.ts';
import { FileFault, fileTooLarge, keepFile, recogniseFile } from './upload-document.ts';
import { readUploadForm } from './upload-form.ts';
import { watchPace } from './upload-limits.ts';
import { type HostedDeps, redirectTo, run, sendPage, tokenOf, type Visit } from './visit.ts';

/** A fault of the form of an upload. */
interface FaultyForm {
  readonly kind: string;
  readonly faults: readonly AnswerFault[];
}

type UploadResult = EditResult | FaultyForm;

/**
 * Accepts a document. Case, count and size are checked before the body is read. Each case has one upload at a time, within
 * the memory budget of uploads. A document that is not added is deleted.
 *
 * @throws PageError if it is not accepted now, or the upload is incomplete
 */
export async function takeUpload(
  visit: Visit,
  request: FastifyRequest,
  reply: FastifyReply,
  deps: HostedDeps,
): Promise<FastifyReply> {
  if (!isOpen(visit.customer)) return redirectTo(reply, 'status');
  if (isFull(visit.form)) return redirectTo(reply, 'documents');
  const declaredBytes = Number(request.headers['content-length'] ?? 0);
  if (declaredBytes > limits.discardedBodyBytes) throw new PageError('too_large');
  const result =
    declaredBytes > limits.documentBytes + limits.formBytes
      ? { kind: '', faults: [{ field: 'file', message: fileTooLarge().message }] }
      : await whileClaimed(visit, deps, (documentId) => receive(visit, request, documentId, deps));
  if (typeof result === 'string') return redirectTo(reply, result === 'closed' ? 'status' : 'documents');
  return sendPage(reply, documentsPage(visit, result.kind, result.faults), 422);
}

/** Runs an upload within its memory budget and with the claim of its case. */
async function whileClaimed(
  { customer, kind }: Visit,
  { ids, logger, uploads: { budgets, cases, pool } }: HostedDeps,
  receiveAs: (documentId: string) => Promise<UploadResult>,
): Promise<UploadResult> {
  const caseId = caseIdOf(customer.id);
  const underWay = (): PageError => new PageError('upload_under_way', limits.uploadRetrySeconds);
  // Checked first, so that one link cannot use up the memory while the database is queried.
  if (cases.has(caseId)) throw underWay();
  const giveBack = budgets[kind].take(limits.uploadMemoryBytes);
  if (!giveBack) throw new PageError('uploads_busy', limits.uploadRetrySeconds);
  cases.add(caseId);
  try {
    const documentId = ids.next('doc', customer.bucket);
    if (!(await claimUpload(pool, caseId, documentId))) throw underWay();
    return await leavingNothing(() => receiveAs(documentId), {
      drop: () => dropUpload(pool, documentId),
      onLeft: (err) => logger.warn({ err, documentId }, 'what an upload has left is swept later'),
    });
  } finally {
    cases.delete(caseId);
    giveBack();
  }
}

/**
 * Deletes the chunks of an upload that was not added. After an unexpected error it is unknown whether the document was added:
 * the retention worker then checks, once the claim has expired.
 */
async function leavingNothing(
  receiveIt: () => Promise<UploadResult>,
  { drop, onLeft }: { drop(): Promise<void>; onLeft(error: unknown): void },
): Promise<UploadResult> {
  try {
    const result = await receiveIt();
    if (result !== 'saved') await drop().catch(onLeft);
    return result;
  } catch (error) {
    if (error instanceof PageError) await drop().catch(onLeft);
    else onLeft(error);
    throw error;
  }
}

async function receive(
  visit: Visit,
  request: FastifyRequest,
  documentId: string,
  deps: HostedDeps,
): Promise<UploadResult> {
  const { uploads, vault } = deps;
  const own = vault.forCustomer(visit.customer);
  const pace = watchPace(request.raw);
  try {
    return await readUploadForm(request.raw, pace.signal, async (form, file) => {
      requireFormToken(form, tokenOf(request), vault);
      if (form.text('action') !== 'upload') throw new PageError('bad_form');
      const kind = documentKinds(visit.customer.type).find(({ value }) => value === form.text('kind'))?.value;
      const faults: AnswerFault[] =
        kind === undefined ? [{ field: 'kind', message: 'Choose what you are sending.' }] : [];
      try {
        const recognised = await recogniseFile(file);
        if (kind !== undefined) {
          const content = await keepFile(recognised, { documentId, pace, pool: uploads.pool, vault: own });
          const fileName = tidyName(file?.name ?? '');
          return await add(visit, { id: documentId, kind, fileName, ...content }, deps);
        }
      } catch (error) {
        if (!(error instanceof FileFault)) throw error;
        faults.push({ field: 'file', message: error.message });
      }
      return { kind: kind ?? '', faults };
    });
  } finally {
    pace.end();
  }
}

/**
 * Adds a document whose bytes are stored. If its claim expired meanwhile, which takes a minute without the database, the
 * bytes may have been deleted before it was added: then it is removed.
 */
async function add(visit: Visit, document: KeptDocument, deps: HostedDeps): Promise<EditResult> {
  const result = await run(visit, deps, addDocument(visit.ref, document));
  if (result !== 'saved' || (await finishUpload(deps.uploads.pool, document.id))) return result;
  await run(visit, deps, removeDocument(visit.ref, document.id));
  throw new PageError('failed');
}

/** A file name that is safe to display: printable, on one line, not too long. */
function tidyName(name: string): string {
  const shown = name.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  return (shown === '' ? 'document' : shown).slice(0, limits.fileNameLength);
}
