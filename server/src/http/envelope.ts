import { errorStatus, type Refusal } from '../platform/errors.ts';

/** A complete response. */
export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** The success envelope around JSON text. */
export function successBody(dataJson: string): string {
  return `{"ok":true,"data":${dataJson}}`;
}

/** The success envelope of a list. */
export function listBody(itemsJson: readonly string[], nextCursor: string | null): string {
  return `{"ok":true,"data":[${itemsJson.join(',')}],"nextCursor":${JSON.stringify(nextCursor)}}`;
}

/**
 * The failure envelope. It adds to the code and message of the original API the stable `reason`, all `details`, the request
 * id and a documentation URL.
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
