import { ChainError } from './errors.ts';

/** Decoders that the families share. A response of another shape is rejected: the node may be defective or malicious. */

export type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads an object.
 *
 * @param expected names it in the error message
 * @throws ChainError if the value is anything else
 */
export function fields(value: unknown, expected: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed(expected);
  return value as Fields;
}

/** Reads a list. @throws ChainError if the value is anything else */
export function list(value: unknown, expected: string): readonly unknown[] {
  if (!Array.isArray(value)) throw malformed(expected);
  return value;
}

/** Reads a safe, non-negative integer. @throws ChainError if the value is anything else */
export function count(value: unknown): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw malformed('a number');
  return value as number;
}

/** The error for a response of another shape than expected. */
export function malformed(expected: string): ChainError {
  return new ChainError(`The node's response is malformed: expected ${expected}.`);
}
