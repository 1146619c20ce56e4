import { createHmac, hkdfSync } from 'node:crypto';
import type { Validity } from '../chains/signing.ts';
import type { SignedPayment } from './signing-record.ts';

/**
 * The lines of a separate signer's record: `<code> <previous code> <JSON>`. The code of a line (HMAC-SHA-256) covers the code of the
 * line before it, so that no line can be changed, removed, added or moved without the seed.
 */

/** The first line. The lines before it have expired; `previous` is the code of the last of them. */
interface StartEntry {
  readonly kind: 'start';
  /** The number of the last entry before. */
  readonly entries: number;
}

/** A transaction that was signed, and what it added to its day. */
export interface SignedEntry {
  readonly kind: 'signed';
  readonly entries: number;
  readonly at: string;
  readonly chain: string;
  readonly reference: string;
  readonly intent: string;
  readonly nonce: string | null;
  readonly counted: Readonly<Record<string, string>>;
  readonly added: Readonly<Record<string, string>>;
  /** Missing in entries of versions that did not keep it. `unsigned` is in base64. */
  readonly transaction?: {
    readonly id: string;
    readonly unsigned: string;
    readonly terms: string;
    readonly validity: Validity | null;
  };
}

/** An operator accepted a restored copy: the entries up to this number are lost. */
interface RestoredEntry {
  readonly kind: 'restored';
  readonly entries: number;
  readonly at: string;
}

export type RecordEntry = StartEntry | SignedEntry | RestoredEntry;

/** The code before the first line of a new record. */
export const firstCode = Buffer.alloc(32).toString('base64url');

/** Derives the key of the record from the seed. */
export function recordKeyOf(seed: Uint8Array): Uint8Array {
  return Buffer.from(hkdfSync('sha256', seed, '', 'openledger signer record v1', 32));
}

/** Writes a line, with its end. @param previous the code of the line before */
export function writeLine(
  key: Uint8Array,
  previous: string,
  entry: RecordEntry,
): { readonly code: string; readonly line: Buffer } {
  const json = JSON.stringify(entry);
  const code = codeOf(key, previous, json);
  return { code, line: Buffer.from(`${code} ${previous} ${json}\n`) };
}

/** Reads a line without its end. @returns undefined if its code is wrong */
export function readLine(
  key: Uint8Array,
  line: Buffer,
): { readonly code: string; readonly previous: string; readonly entry: RecordEntry } | undefined {
  const text = line.toString('utf8');
  const [code, previous, json] = [text.slice(0, 43), text.slice(44, 87), text.slice(88)];
  if (code !== codeOf(key, previous, json)) return undefined;
  return { code, previous, entry: JSON.parse(json) as RecordEntry };
}

function codeOf(key: Uint8Array, previous: string, json: string): string {
  return createHmac('sha256', key).update(`${previous} ${json}`).digest('base64url');
}

/** The payment that an entry records. */
export function paymentOf({ at, counted, intent, nonce, transaction }: SignedEntry): SignedPayment {
  return {
    intent,
    nonce,
    last: transaction && { ...transaction, unsigned: Buffer.from(transaction.unsigned, 'base64') },
    signedAtMs: Date.parse(at),
    counted: amountsOf(counted),
  };
}

/** Writes amounts as JSON can hold them. */
export function textsOf(entries: Iterable<readonly [string, bigint]>): Record<string, string> {
  return Object.fromEntries([...entries].map(([asset, amount]) => [asset, amount.toString()]));
}

/** Reads the output of `textsOf`. */
export function amountsOf(texts: Readonly<Record<string, string>>): Record<string, bigint> {
  return Object.fromEntries(Object.entries(texts).map(([asset, amount]) => [asset, BigInt(amount)]));
}
