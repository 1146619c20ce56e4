import { hash } from 'node:crypto';

export const digits = '0123456789';
export const capitalsAndDigits = `${digits}ABCDEFGHIJKLMNOPQRSTUVWXYZ`;

/** A seed and a purpose. Texts of one seed and different purposes are independent. */
export interface Origin {
  readonly seed: string;
  readonly purpose: string;
}

function sha256({ seed, purpose }: Origin): Buffer {
  return hash('sha256', `${purpose}\n${seed}`, 'buffer') as Buffer;
}

/**
 * Pseudo-random characters, always the same for the same origin.
 *
 * @param length at most 30 for an alphabet of 36, so that all combinations are far fewer than 2^256
 */
export function seededText(alphabet: string, length: number, origin: Origin): string {
  const base = BigInt(alphabet.length);
  let rest = BigInt(`0x${sha256(origin).toString('hex')}`);
  let text = '';
  while (text.length < length) {
    text += alphabet.charAt(Number(rest % base));
    rest /= base;
  }
  return text;
}

/** A UUID of version 4 (RFC 9562), always the same for the same origin. */
export function seededUuid(origin: Origin): string {
  const bytes = sha256(origin).subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x40, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
