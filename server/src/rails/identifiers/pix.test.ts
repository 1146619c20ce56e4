import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { checkBrCode, crc16 } from './br-code.ts';
import { checkCnpj, checkCpf } from './brazil-tax-id.ts';
import { checkPixKey } from './pix-key.ts';

// Banco Central do Brasil, Manual do BR Code: the static example.
const brCode =
  '00020126580014br.gov.bcb.pix0136123e4567-e12b-12d1-a456-4266554400005204000053039865802BR' +
  '5913Fulano de Tal6008BRASILIA62070503***63041D3D';

/** A code with a right checksum, whatever else is wrong with it. */
function sealed(text: string): string {
  const head = `${text.slice(0, -8)}6304`;
  return head + crc16(Buffer.from(head));
}

describe('CPF and CNPJ', () => {
  // Issue 3, item 3; the alphanumeric one is Receita Federal's own example.
  test('pass with right check digits, however they are written', () => {
    expect(checkCpf('123.456.789-09')).toEqual({ ok: true, value: '12345678909' });
    expect(checkCnpj('11.222.333/0001-81')).toEqual({ ok: true, value: '11222333000181' });
    expect(checkCnpj('12.abc.345/01de-35')).toEqual({ ok: true, value: '12ABC34501DE35' });
  });

  test.each(['12345678901', '11111111111', '1234567890', '', '123456789O9'])('no CPF: %j', (text) => {
    expect(checkCpf(text).ok).toBe(false);
  });

  test.each(['11222333000182', '00000000000000', '12ABC34501DE36', '12ABC34501DEA5', ''])(
    'no CNPJ: %j',
    (text) => {
      expect(checkCnpj(text).ok).toBe(false);
    },
  );

  // A digit further to the front can slip through: remainders 0 and 1 share a check digit.
  it.each([
    [checkCpf, '12345678909'],
    [checkCnpj, '11222333000181'],
    [checkCnpj, '12ABC34501DE35'],
  ])('catch any change of one check digit (%#)', (check, text) => {
    for (const at of [text.length - 2, text.length - 1]) {
      for (let digit = 0; digit <= 9; digit += 1) {
        const changed = `${text.slice(0, at)}${digit}${text.slice(at + 1)}`;
        expect(check(changed).ok).toBe(changed === text);
      }
    }
  });
});

describe('a Pix key', () => {
  test.each([
    ['123.456.789-09', '12345678909', 'cpf'],
    ['12ABC34501DE35', '12ABC34501DE35', 'cnpj'],
    ['+55 61 98888-7777', '+5561988887777', 'phone'],
    ['Fulano@Example.com', 'fulano@example.com', 'email'],
    ['123e4567-e12b-12d1-a456-426655440000', '123e4567-e12b-12d1-a456-426655440000', 'evp'],
  ])('%s is known by its form', (given, value, type) => {
    expect(checkPixKey(given)).toEqual({ ok: true, value, type });
  });

  test.each([
    '12345678901',
    '123E4567-E12B-12D1-A456-426655440000',
    '+14155550100',
    '61988887777',
    'fulano@',
    'a@b@c.com',
    `${'a'.repeat(70)}@example.com`,
    '',
  ])('%j is none', (given) => {
    const checked = checkPixKey(given);
    if (checked.ok) throw new Error('It passed');
    if (given !== '') expect(checked.fault).not.toContain(given);
  });
});

describe('a BR Code', () => {
  test('has the checksum CRC-16/CCITT-FALSE', () => {
    // Issue 3, item 3: the check value of the algorithm's catalogue entry.
    expect(crc16(Buffer.from('123456789'))).toBe('29B1');
  });

  test('passes as its manual shows it', () => {
    expect(checkBrCode(` ${brCode}\n`)).toEqual({ ok: true, value: brCode });
    expect(checkBrCode(brCode.replace('1D3D', '1d3d'))).toEqual({ ok: true, value: brCode });
    expect(sealed(brCode)).toBe(brCode);
  });

  test('fails with any one character changed', () => {
    fc.assert(
      fc.property(fc.nat(brCode.length - 1), fc.constantFrom(...'0123456789abcXYZ'), (at, character) => {
        const changed = brCode.slice(0, at) + character + brCode.slice(at + 1);
        if (changed.toUpperCase() === brCode.toUpperCase()) return;
        expect(checkBrCode(changed).ok).toBe(false);
      }),
    );
  });

  test.each([
    ['in another currency', sealed(brCode.replace('5303986', '5303840'))],
    ['of another country', sealed(brCode.replace('5802BR', '5802US'))],
    ['of another scheme', sealed(brCode.replace('br.gov.bcb.pix', 'br.gov.bcb.pox'))],
    ['with a wrong key', sealed(brCode.replace('123e4567-e', '123e4567xe'))],
    ['with a length that does not fit', sealed(brCode.replace('5913Fulano', '5914Fulano'))],
    ['without a city', sealed(brCode.replace('6008BRASILIA', ''))],
    ['with a part twice', sealed(brCode.replace('5802BR', '5802BR5802BR'))],
    ['with nothing', ''],
    ['with only a checksum', `6304${crc16(Buffer.from('6304'))}`],
  ])('fails %s', (_name, text) => {
    expect(checkBrCode(text).ok).toBe(false);
  });

  // Merchant's name with an emoji (two units of UTF-16, four bytes) and with accents (two bytes each).
  test.each([
    ['characters', (name: string) => [...name].length],
    ['bytes', (name: string) => Buffer.byteLength(name)],
  ])('may tell lengths in %s', (_unit, lengthOf) => {
    for (const name of ['Padaria 🥖 Sol', 'São João do Ó']) {
      const length = lengthOf(name);
      const text = brCode.replace('5913Fulano de Tal', `59${String(length).padStart(2, '0')}${name}`);
      expect(checkBrCode(sealed(text)), name).toMatchObject({ ok: true });
    }
  });

  test('never throws', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => !checkBrCode(`${text}6304FFFF`).ok));
  });
});
