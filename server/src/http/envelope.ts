import { errorStatus, type Refusal } from '../platform/errors.ts';

/** An answer that is ready to be sent. */
export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** The success envelope around data that is JSON text already. */
export function successBody(dataJson: string): string {
  return `{"ok":true,"data":${dataJson}}`;
}

/** The success envelope of a list. */
export function listBody(itemsJson: readonly string[], nextCursor: string | null): string {
  return `{"ok":true,"data":[${itemsJson.join(',')}],"nextCursor":${JSON.stringify(nextCursor)}}`;
}

/**
 * The failure envelope. Beside the code and message of the original API it carries the stable `reason`, all `details`,
 * the request id and where to read on.
 */
export function failure(refusal: Refusal, requestId: string, docsUrl: string): Answer {
  const { code, message, reason, details } = refusal;
  const error = {
    code,
    message,
    reason,
    ...(details ? { details } : {}),
    requestId,
    docUrl: `${docsUrl}#error-${reason}`,
  };
  return { status: errorStatus[code], body: JSON.stringify({ ok: false, error }) };
}
