import { type Checked, failed, lowerAscii, passed, upperAscii } from './checked.ts';
import { checkPixKey } from './pix-key.ts';

/** Data objects: EMV QRCPS Merchant-Presented Mode, §4, and Banco Central do Brasil, Manual do BR Code. */
const id = {
  payloadFormat: '00',
  firstAccount: 26,
  lastAccount: 51,
  currency: '53',
  country: '58',
  merchantName: '59',
  merchantCity: '60',
} as const;
/** Inside the account's template. */
const pix = { domain: '00', key: '01', url: '25', name: 'br.gov.bcb.pix' } as const;
const real = '986';
/** The checksum's own id and length, which it is over as well as over everything before. */
const crcHead = '6304';
const crcLength = 4;

/** Checks a BR Code, the text of a Pix QR code: its checksum, its structure, and that it can be paid by Pix. */
export function checkBrCode(text: string): Checked {
  // Spaces inside are part of names.
  const code = text.trim();
  const head = code.slice(0, -crcLength);
  const crc = upperAscii(code.slice(-crcLength));
  if (!head.endsWith(crcHead)) return failed('A BR Code ends with 6304 and a checksum of 4 characters.');
  if (crc16(Buffer.from(head)) !== crc) {
    return failed('The BR Code fails its checksum: copy it again, character for character.');
  }
  const objects = parseObjects(code, characters) ?? parseObjects(code, bytes);
  if (objects?.get(id.payloadFormat) !== '01')
    return failed('The parts of a BR Code must have the lengths that they tell.');
  const fault = paymentFault(objects);
  return fault === undefined ? passed(head + crc) : failed(fault);
}

function paymentFault(objects: ReadonlyMap<string, string>): string | undefined {
  const account = pixAccount(objects);
  if (account === undefined) return 'The BR Code must contain a Pix account.';
  const key = account.get(pix.key);
  if (key !== undefined && !checkPixKey(key).ok) return 'The BR Code must contain a valid Pix key.';
  if (key === undefined && !account.get(pix.url)) return 'The BR Code must contain a Pix key or a URL.';
  if (objects.get(id.currency) !== real) return 'The BR Code must be in brl.';
  if (objects.get(id.country) !== 'BR') return 'The BR Code must have the country BR.';
  if (!objects.get(id.merchantName) || !objects.get(id.merchantCity)) {
    return 'The BR Code must have the name and the city of the payee.';
  }
  return undefined;
}

function pixAccount(objects: ReadonlyMap<string, string>): ReadonlyMap<string, string> | undefined {
  for (let number = id.firstAccount; number <= id.lastAccount; number += 1) {
    const value = objects.get(String(number)) ?? '';
    const template = parseObjects(value, characters) ?? parseObjects(value, bytes);
    if (lowerAscii(template?.get(pix.domain) ?? '') === pix.name) return template;
  }
  return undefined;
}

/** What a text is measured in: a list of its units, and their text. */
interface Measure {
  units(text: string): readonly string[];
  text(units: readonly string[]): string;
}

/**
 * EMV QRCPS counts characters, and an emoji is one; Brazilian banks count bytes of UTF-8 as well. Where all is ASCII both are the same.
 */
const characters: Measure = { units: (text) => [...text], text: (units) => units.join('') };
const bytes: Measure = {
  units: (text) => [...Buffer.from(text, 'utf8').toString('latin1')],
  text: (units) => Buffer.from(units.join(''), 'latin1').toString('utf8'),
};

/** Reads data objects: two digits of id, two of length, then the value. Each id at most once. */
function parseObjects(text: string, measure: Measure): Map<string, string> | undefined {
  const units = measure.units(text);
  const objects = new Map<string, string>();
  let at = 0;
  while (at < units.length) {
    const head = units.slice(at, at + 4).join('');
    if (!/^\d{4}$/.test(head)) return undefined;
    const start = at + 4;
    at = start + Number(head.slice(2));
    const name = head.slice(0, 2);
    if (at > units.length || objects.has(name)) return undefined;
    objects.set(name, measure.text(units.slice(start, at)));
  }
  return objects;
}

/** CRC-16/CCITT-FALSE (polynomial 1021, start FFFF), four hexadecimal digits. */
export function crc16(bytes: Uint8Array): string {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
    crc &= 0xffff;
  }
  return crc.toString(16).toUpperCase().padStart(4, '0');
}
