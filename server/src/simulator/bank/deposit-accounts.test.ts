import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { checkBic } from '../../rails/identifiers/bic.ts';
import { checkBrCode } from '../../rails/identifiers/br-code.ts';
import { checkClabe } from '../../rails/identifiers/clabe.ts';
import { checkIban, checkSepaIban } from '../../rails/identifiers/iban.ts';
import { checkPixKey } from '../../rails/identifiers/pix-key.ts';
import { checkSortCode, checkUkAccountNumber } from '../../rails/identifiers/uk-account.ts';
import { checkRoutingNumber, checkUsAccountNumber } from '../../rails/identifiers/us-account.ts';
import { type DepositCurrency, sandboxDepositAccount } from './deposit-accounts.ts';

const currencies = ['usd', 'eur', 'gbp', 'mxn', 'brl'] as const satisfies readonly DepositCurrency[];

function instructions(
  currency: DepositCurrency,
  seed: string,
  holderName = 'Ada Lovelace',
): Record<string, string | undefined> {
  const account = sandboxDepositAccount(currency, seed, holderName);
  return { ...(account.depositInstructions as Record<string, string>), key: account.accountKey };
}

// Contract §4, Virtual accounts.
test.each([
  ['usd', 'bank_name account_number routing_number bank_address account_holder_name payment_rails'],
  ['eur', 'iban bic account_holder_name bank_name'],
  ['gbp', 'account_number sort_code account_holder_name bank_name'],
  ['mxn', 'clabe account_holder_name bank_name'],
  ['brl', 'br_code account_holder_name'],
] as const)('instructions in %s have the fields of the contract', (currency, fields) => {
  const { depositInstructions } = sandboxDepositAccount(currency, 'va_1', 'Zoë Łukasz');
  expect(Object.keys(depositInstructions).join(' ')).toBe(fields);
  expect(depositInstructions.account_holder_name).toBe('Zoë Łukasz');
});

describe('whatever the seed, the numbers pass the checks of real ones', () => {
  const passes = (checked: { ok: boolean; value?: string }, value: string | undefined) => {
    expect(checked).toMatchObject({ ok: true, value });
  };
  const forEverySeed = (check: (seed: string, name: string) => void) => {
    fc.assert(fc.property(fc.string(), fc.string({ unit: 'binary' }), check), { numRuns: 500 });
  };

  it('in usd', () => {
    forEverySeed((seed) => {
      const { account_number = '', routing_number = '', key } = instructions('usd', seed);
      passes(checkUsAccountNumber(account_number), account_number);
      passes(checkRoutingNumber(routing_number), routing_number);
      expect(account_number).not.toMatch(/100\d\d$/);
      expect(key).toBe(routing_number + account_number);
    });
  });

  it('in eur', () => {
    forEverySeed((seed) => {
      const { iban = '', bic = '', key } = instructions('eur', seed);
      passes(checkSepaIban(iban), iban);
      passes(checkBic(bic), bic);
      expect(key).toBe(iban);
    });
  });

  it('in gbp', () => {
    forEverySeed((seed) => {
      const { account_number = '', sort_code = '', key } = instructions('gbp', seed);
      passes(checkUkAccountNumber(account_number), account_number);
      passes(checkSortCode(sort_code), sort_code);
      expect(key).toBe(sort_code + account_number);
    });
  });

  it('in mxn', () => {
    forEverySeed((seed) => {
      const { clabe = '', key } = instructions('mxn', seed);
      passes(checkClabe(clabe), clabe);
      expect(key).toBe(clabe);
    });
  });

  it('in brl, whoever the holder is', () => {
    forEverySeed((seed, name) => {
      const { br_code = '', key } = instructions('brl', seed, name);
      passes(checkBrCode(br_code), br_code);
      expect(br_code).toMatch(/^[\x20-\x7e]+$/);
      expect(checkPixKey(key ?? '')).toMatchObject({ ok: true, type: 'evp' });
      expect(br_code).toContain(key);
    });
  });
});

test.each([
  ['Maria da Conceição', '5918MARIA DA CONCEICAO60'],
  ['Lovelace & Sons Analytical Engines Limited', '5925LOVELACE & SONS ANALYTICA60'],
  ['株式会社', '5923OPENLEDGER SANDBOX BANK60'],
])('a BR Code names %s in ASCII', (holderName, part) => {
  expect(instructions('brl', 'va_1', holderName).br_code).toContain(part);
});

test('the name changes no number, the seed changes every one', () => {
  for (const currency of currencies) {
    const { key } = instructions(currency, 'va_1');
    expect(instructions(currency, 'va_1', 'Grace Hopper').key).toBe(key);
    const keys = Array.from({ length: 2000 }, (_, index) => instructions(currency, `va_${index}`).key);
    expect(new Set(keys).size).toBe(keys.length);
  }
});

test('the check digits of an IBAN are those that its check asks for', () => {
  for (const seed of ['a', 'b', 'c']) {
    const { iban = '' } = instructions('eur', seed);
    const passing = Array.from({ length: 100 }, (_, check) => String(check).padStart(2, '0')).filter(
      (check) => checkIban(`LU${check}${iban.slice(4)}`).ok,
    );
    expect(passing).toEqual([iban.slice(2, 4)]);
  }
});
