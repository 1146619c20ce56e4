import { limits } from '../platform/limits.ts';
import { PageError } from './page-error.ts';

/** A form as it was sent. */
export interface PostedForm {
  /** What was sent for a field; nothing when it was not sent. */
  text(field: string): string;
}

/** Reads a form in `application/x-www-form-urlencoded` (WHATWG URL §5.1). */
export function readUrlEncoded(body: string): PostedForm {
  const fields = new URLSearchParams(body);
  if (fields.size > limits.formFields) throw new PageError('bad_form');
  return { text: (field) => fields.get(field) ?? '' };
}
