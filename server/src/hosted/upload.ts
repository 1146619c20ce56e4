import { createHash } from 'node:crypto';
import type { AnswerFault } from '../identity/answers.ts';
import { type ContentType, contentTypeOf, documentKinds } from '../identity/documents.ts';
import { limits } from '../platform/limits.ts';
import { documentContext, type KeptDocument } from '../resources/identity/commands.ts';
import type { PostedForm, UploadedFile } from './form-body.ts';
import type { HostedDeps, Visit } from './visit.ts';

/**
 * Checks an uploaded document and makes it ready to be kept.
 *
 * @returns the document and its sealed bytes, or what is wrong with the form
 */
export function readUpload(
  { customer }: Visit,
  posted: PostedForm,
  { ids, vault }: Pick<HostedDeps, 'ids' | 'vault'>,
):
  | { readonly document: KeptDocument; readonly sealed: string }
  | { readonly faults: readonly AnswerFault[] } {
  const kind = documentKinds(customer.type).find(({ value }) => value === posted.text('kind'))?.value;
  const checked = checkFile(posted.file);
  if (kind === undefined || 'fault' in checked) {
    const kindFault = kind === undefined ? [{ field: 'kind', message: 'Choose what you are sending.' }] : [];
    return {
      faults: [...kindFault, ...('fault' in checked ? [{ field: 'file', message: checked.fault }] : [])],
    };
  }
  const { contentType, file } = checked;
  const id = ids.next('doc', customer.bucket);
  return {
    document: {
      id,
      kind,
      fileName: tidyName(file.name),
      contentType,
      byteSize: file.bytes.length,
      sha256: createHash('sha256').update(file.bytes).digest(),
    },
    sealed: vault.forCustomer(customer).seal(file.bytes, documentContext(id)),
  };
}

/** What a file is must be what it is said to be: a page that is called a picture is neither. */
function checkFile(
  file: UploadedFile | undefined,
): { readonly file: UploadedFile; readonly contentType: ContentType } | { readonly fault: string } {
  if (!file || (file.bytes.length === 0 && file.name === '')) return { fault: 'Choose a file.' };
  if (file.isTooLarge) {
    return { fault: `Choose a file of ${Math.floor(limits.documentBytes / 1024 / 1024)} MB at most.` };
  }
  if (file.bytes.length === 0) return { fault: 'The file is empty. Choose another one.' };
  const contentType = contentTypeOf(file.bytes);
  return contentType === undefined || contentType !== file.declaredType.toLowerCase()
    ? { fault: 'Choose a JPEG, PNG or PDF file.' }
    : { file, contentType };
}

/** A file's name as it may be shown: printable, on one line, not too long. */
function tidyName(name: string): string {
  const shown = name.replaceAll(/[\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069]+/gu, ' ').trim();
  return (shown === '' ? 'document' : shown).slice(0, limits.fileNameLength);
}
