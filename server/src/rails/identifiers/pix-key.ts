import { checkCnpj, checkCpf } from './brazil-tax-id.ts';
import { type Checked, compact, type Failed, failed, lowerAscii } from './checked.ts';

export const pixKeyTypes = ['cpf', 'cnpj', 'phone', 'email', 'evp'] as const;
export type PixKeyType = (typeof pixKeyTypes)[number];

/** A Pix key as Brazil's directory (DICT) writes it, and its type; `evp` is a random key. */
export type CheckedPixKey = { readonly ok: true; readonly value: string; readonly type: PixKeyType } | Failed;

/** DICT's own limit for a key that is an address. */
const emailLength = 77;
const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const mailbox = /^[a-z0-9.!#$&'*+/=?^_`{|}~-]+$/;
const domain = /^[a-z0-9-]+(?:\.[a-z0-9-]+)+$/;

/** Checks a Pix key of any type (Banco Central do Brasil, DICT API, Key). */
export function checkPixKey(text: string): CheckedPixKey {
  const trimmed = text.trim();
  if (trimmed.includes('@')) return checkEmail(lowerAscii(trimmed));
  if (trimmed.startsWith('+')) return checkPhone(compact(trimmed));
  // The dashes of a random key belong to it.
  if (uuid.test(trimmed)) return { ok: true, value: trimmed, type: 'evp' };
  if (uuid.test(lowerAscii(trimmed))) return failed('A random Pix key is a UUID in lower case.');
  const bareLength = compact(trimmed).replaceAll(/[./]/g, '').length;
  if (bareLength === 11) return typed(checkCpf(trimmed), 'cpf');
  if (bareLength === 14) return typed(checkCnpj(trimmed), 'cnpj');
  return failed(
    'A Pix key is a CPF, a CNPJ, a phone number with +55, an email address or a lower-case UUID.',
  );
}

function checkEmail(text: string): CheckedPixKey {
  if (text.length > emailLength) {
    return failed(`An email address as a Pix key must have at most ${emailLength} characters.`);
  }
  const [name = '', host = '', ...more] = text.split('@');
  return mailbox.test(name) && domain.test(host) && more.length === 0
    ? { ok: true, value: text, type: 'email' }
    : failed('A Pix key with an @ must be an email address.');
}

function checkPhone(text: string): CheckedPixKey {
  return /^\+55[1-9]{2}\d{8,9}$/.test(text)
    ? { ok: true, value: text, type: 'phone' }
    : failed('A phone number as a Pix key is +55, the area code and 8 or 9 digits.');
}

function typed(checked: Checked, type: PixKeyType): CheckedPixKey {
  return checked.ok ? { ...checked, type } : checked;
}
