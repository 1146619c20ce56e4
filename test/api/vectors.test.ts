import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkAddress } from '../../server/src/chains/addresses.ts';
import { checkBic } from '../../server/src/rails/identifiers/bic.ts';
import { crc16 } from '../../server/src/rails/identifiers/br-code.ts';
import { checkCnpj, checkCpf } from '../../server/src/rails/identifiers/brazil-tax-id.ts';
import { checkClabe } from '../../server/src/rails/identifiers/clabe.ts';
import { checkSepaIban } from '../../server/src/rails/identifiers/iban.ts';
import { checkMobileNumber } from '../../server/src/rails/identifiers/mobile-money.ts';
import { checkNuban } from '../../server/src/rails/identifiers/nuban.ts';
import { checkRoutingNumber } from '../../server/src/rails/identifiers/us-account.ts';
import { approvedCustomer } from '../support/factories.ts';
import { startServer, type TestServer } from '../support/server.ts';

/**
 * The vectors of issue 3, item 3 of "What must be shown", in one table: each kind of identifier with numbers that are
 * right and numbers that are wrong, tried on the check itself and, where accounts have it, over HTTP.
 */

interface Kind {
  readonly kind: string;
  check(text: string): boolean;
  readonly right: readonly string[];
  readonly wrong: readonly string[];
  /** The body of a counterparty that has the number, and where it is in it. */
  body?(text: string): object;
  readonly path?: string;
}

const ibans = ['DE89370400440532013000', 'GB29NWBK60161331926819'];
const usdt = 'TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t';
const usdc = 'EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v';
/** From EIP-55 itself. */
const evm = '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed';

const pix = (pixKey: string) => ({ currency: 'brl', accountType: 'pix', pixKey });

const kinds: readonly Kind[] = [
  {
    kind: 'ABA routing number',
    check: (text) => checkRoutingNumber(text).ok,
    right: ['021000021', '121000248'],
    wrong: ['123456789'],
    body: (text) => ({
      currency: 'usd',
      accountType: 'us_bank',
      account: { account_number: '123456789', routing_number: text },
    }),
    path: '/account/routing_number',
  },
  {
    kind: 'IBAN',
    check: (text) => checkSepaIban(text).ok,
    right: ibans,
    wrong: ibans.flatMap(withAnyDigitChanged),
    body: (iban) => ({ currency: 'eur', accountType: 'iban', iban }),
    path: '/iban',
  },
  {
    kind: 'CLABE',
    check: (text) => checkClabe(text).ok,
    right: ['002010077777777771', '032180000118359719'],
    wrong: ['710969000012345678'],
    body: (clabe) => ({ currency: 'mxn', accountType: 'clabe', clabe }),
    path: '/clabe',
  },
  {
    kind: 'NUBAN at bank 058',
    check: (text) => checkNuban(text, '058').ok,
    right: ['0000000018'],
    wrong: ['0000000017'],
    body: (accountNumber) => ({
      currency: 'ngn',
      accountType: 'nip',
      details: { accountNumber, bankCode: '058' },
    }),
    path: '/details/accountNumber',
  },
  {
    kind: 'CPF',
    check: (text) => checkCpf(text).ok,
    right: ['12345678909'],
    wrong: ['12345678901'],
    body: pix,
    path: '/pixKey',
  },
  {
    kind: 'CNPJ, numeric and alphanumeric',
    check: (text) => checkCnpj(text).ok,
    right: ['11222333000181', '12ABC34501DE35'],
    wrong: ['11222333000182', '12ABC34501DE36'],
    body: pix,
    path: '/pixKey',
  },
  {
    kind: 'BIC',
    check: (text) => checkBic(text).ok,
    right: ['DEUTDEFF'],
    wrong: ['DEUTDEFFX'],
    body: (swiftCode) => ({
      currency: 'eur',
      accountType: 'swift',
      details: { accountNumber: ibans[0], swiftCode },
    }),
    path: '/details/swiftCode',
  },
  {
    kind: 'E.164 number in Ghana',
    check: (text) => checkMobileNumber(text, 'ghs').ok,
    right: ['+233501234567'],
    wrong: ['0501234567'],
    body: (phoneNumber) => ({
      currency: 'ghs',
      accountType: 'mobile_money',
      details: { provider: 'MTN', phoneNumber },
    }),
    path: '/details/phoneNumber',
  },
  {
    kind: 'EVM address, mixed case by EIP-55',
    check: (text) => checkAddress('ethereum', text).ok,
    right: [evm, evm.toLowerCase()],
    wrong: [evm.replace('aAeb', 'aaeb'), evm.replace('BeAed', 'BeAeD')],
  },
  {
    kind: 'Tron address',
    check: (text) => checkAddress('tron', text).ok,
    right: [usdt],
    wrong: [...'stuvwxyzABC'].filter((last) => last !== 't').map((last) => usdt.slice(0, -1) + last),
  },
  {
    kind: 'Solana address',
    check: (text) => checkAddress('solana', text).ok,
    right: [usdc],
    // 31 bytes, all of them 0.
    wrong: ['1'.repeat(31)],
  },
];

/** The text with each of its digits changed into each of the nine others. */
function withAnyDigitChanged(text: string): string[] {
  const changed: string[] = [];
  for (let at = 0; at < text.length; at += 1) {
    if (!/\d/.test(text.charAt(at))) continue;
    for (const digit of '0123456789') changed.push(text.slice(0, at) + digit + text.slice(at + 1));
  }
  return changed.filter((other) => other !== text);
}

let server: TestServer;
let customerId: string;
beforeAll(async () => {
  server = await startServer();
  customerId = (await approvedCustomer(server.api)).id;
});
afterAll(() => server.stop());

test.each(kinds)('$kind: passes when it is right, and only then', ({ check, right, wrong }) => {
  for (const text of right) expect([text, check(text)]).toEqual([text, true]);
  for (const text of wrong) expect([text, check(text)]).toEqual([text, false]);
});

test.each(kinds.filter(({ body }) => body))(
  '$kind: is taken and refused so over HTTP',
  async ({ body, path, right, wrong }) => {
    const validate = (text: string) =>
      server.api.post('/v1/counterparties/validate', {
        customerId,
        accountOwnerName: 'Ada Lovelace',
        ...body?.(text),
      });
    for (const text of right) {
      const { data, status } = await validate(text);
      expect([text, status, data?.valid]).toEqual([text, 200, true]);
    }
    for (const text of wrong) {
      const { error, status } = await validate(text);
      expect([text, status, error?.details?.[0]?.path]).toEqual([text, 400, path]);
    }
  },
);

test('the checksum of a BR Code is CRC-16/CCITT-FALSE', () => {
  expect(crc16(Buffer.from('123456789'))).toBe('29B1');
});
