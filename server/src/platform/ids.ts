import { hash, randomFillSync } from 'node:crypto';
import type { Clock } from './clock.ts';
import { limits } from './limits.ts';

/**
 * Ids: a prefix, `_`, and a UUIDv7 in Crockford base 32 (the TypeID form). The last two of its 26 characters are the
 * bucket of the row that it identifies (architecture §4). Ids of one process sort in the order of their creation.
 */

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';
const suffixLength = 26;
const idPattern = /^([a-z]+)_([0-7][0-9a-hjkmnp-tv-z]{25})$/;

export type IdPrefix =
  | 'cus'
  | 'wal'
  | 'va'
  | 'pa'
  | 'txn'
  | 'whk'
  | 'whd'
  | 'whr'
  | 'evt'
  | 'key'
  | 'org'
  | 'env'
  | 'req'
  | 'jrn'
  | 'bat'
  | 'idc'
  | 'doc'
  | 'tos'
  | 'out';

/** Makes ids. Its counter keeps ids of one millisecond in order. */
export interface IdSource {
  /** @param bucket 0..63; random if left out */
  next(prefix: IdPrefix, bucket?: number): string;
}

/**
 * Creates an id source.
 *
 * @param fillRandom fills a buffer with random bytes; the simulator passes a seeded one
 */
export function createIdSource(
  clock: Clock,
  fillRandom: (target: Uint8Array) => void = randomFillSync,
): IdSource {
  const pool = new Uint8Array(4096);
  let used = pool.length;
  let lastMs = 0;
  let counter = 0;

  const randomByte = (): number => {
    if (used === pool.length) {
      fillRandom(pool);
      used = 0;
    }
    return pool[used++] as number;
  };

  const tick = (): void => {
    const nowMs = clock.now();
    if (nowMs > lastMs) {
      lastMs = nowMs;
      // A random start leaves room to count upwards within the millisecond.
      counter = ((randomByte() << 8) | randomByte()) & 0x7ff;
      return;
    }
    counter += 1;
    if (counter > 0xfff) {
      // The counter overflows: borrow from the next millisecond.
      lastMs += 1;
      counter = 0;
    }
  };

  return {
    next(prefix, bucket) {
      tick();
      const drawn = bucket ?? randomByte() % limits.buckets;
      // 130 bits in 26 characters: 2 zero bits, 48 time, 4 version, 12 counter, 2 variant, 62 random.
      let text = `${prefix}_`;
      text += alphabet[Math.floor(lastMs / 2 ** 45) & 7];
      for (let shift = 40; shift >= 0; shift -= 5) text += alphabet[Math.floor(lastMs / 2 ** shift) & 31];
      // 80 bits are left: 0111 | counter (12) | 10 | random; the first 20 bits fill four characters.
      const head = (0x7 << 16) | (counter << 4) | 0x8 | (randomByte() & 0x3);
      text += alphabet[head >> 15];
      text += alphabet[(head >> 10) & 31];
      text += alphabet[(head >> 5) & 31];
      text += alphabet[head & 31];
      for (let index = 0; index < 10; index += 1) text += alphabet[randomByte() & 31];
      return text + alphabet[drawn >> 5] + alphabet[drawn & 31];
    },
  };
}

/** The same id for the same text, such as what makes a row unique. Such ids do not sort by time. */
export function idOfText(prefix: IdPrefix, text: string): string {
  const digest = hash('sha256', text, 'buffer');
  let id = `${prefix}_0`;
  for (let index = 0; index < suffixLength - 3; index += 1) id += alphabet[(digest[index] ?? 0) & 31];
  const bucket = (digest[suffixLength] ?? 0) % limits.buckets;
  return id + alphabet[bucket >> 5] + alphabet[bucket & 31];
}

/** An id that sorts before every id with this prefix made at or after a time (milliseconds since the Unix epoch). */
export function firstIdAt(prefix: IdPrefix, timeMs: number): string {
  const wholeMs = Math.max(0, Math.floor(timeMs));
  let text = `${prefix}_${alphabet[Math.floor(wholeMs / 2 ** 45) & 7]}`;
  for (let shift = 40; shift >= 0; shift -= 5) text += alphabet[Math.floor(wholeMs / 2 ** shift) & 31];
  return text.padEnd(prefix.length + 1 + suffixLength, '0');
}

/** Whether a text has the form of an id with this prefix. */
export function isId(text: string, prefix: IdPrefix): boolean {
  return text.length === prefix.length + 1 + suffixLength && idPattern.exec(text)?.[1] === prefix;
}

/**
 * The bucket of an id, 0..63. Every text has one; a text that is not an id matches no row.
 */
export function bucketOfId(id: string): number {
  const high = alphabet.indexOf(id[id.length - 2] ?? '0');
  const low = alphabet.indexOf(id[id.length - 1] ?? '0');
  return ((Math.max(high, 0) << 5) | Math.max(low, 0)) % limits.buckets;
}

/** The bucket of a text that is not an id, such as an idempotency key, by a hash (FNV-1a). */
export function bucketOfText(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash ^= text.charCodeAt(index);
    hash = Math.imul(hash, 0x01000193);
  }
  return (hash >>> 0) % limits.buckets;
}
