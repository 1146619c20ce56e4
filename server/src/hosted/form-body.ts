import { limits } from '../platform/limits.ts';
import { PageError } from './page-error.ts';

/** A submitted form. */
export interface PostedForm {
  /** The text of a field; empty if the field was not sent. */
  text(field: string): string;
}

/** Parses a form in `application/x-www-form-urlencoded` (WHATWG URL §5.1). */
export function readUrlEncoded(body: string): PostedForm {
  // Counted before they are decoded, because a field with a malformed escape takes 7 microseconds.
  if (body.split('&', limits.formFields + 1).length > limits.formFields) throw new PageError('bad_form');
  const fields = new URLSearchParams(body);
  return { text: (field) => fields.get(field) ?? '' };
}
