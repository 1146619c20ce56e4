import { digits, seededText, seededUuid } from '../../platform/seeded-text.ts';
import { factsOf } from '../../rails/account-types.ts';
import { crc16 } from '../../rails/identifiers/br-code.ts';
import { clabeCheckDigit } from '../../rails/identifiers/clabe.ts';
import { ibanCheckDigits } from '../../rails/identifiers/iban.ts';
import { sandboxBank } from './identity.ts';

/** A currency that the sandbox bank keeps accounts in. */
export type DepositCurrency = 'usd' | 'eur' | 'gbp' | 'mxn' | 'brl';

/** How to pay into an account, as the API returns it (contract §4, Virtual accounts). */
export type DepositInstructions = Readonly<Record<string, string | readonly string[]>>;

export interface DepositAccount {
  readonly depositInstructions: DepositInstructions;
  /** The number that is unique among the accounts of the currency, without spaces and dashes. */
  readonly accountKey: string;
}

/**
 * Makes a deposit account at the sandbox bank. Its numbers pass every check that numbers of real accounts pass.
 *
 * @param seed the same seed gives the same numbers. Each currency has at least 10^11 numbers, so that a collision of two
 *   seeds is unlikely; a unique index in the store rules it out.
 */
export function sandboxDepositAccount(
  currency: DepositCurrency,
  seed: string,
  holderName: string,
): DepositAccount {
  return makers[currency](seed, holderName);
}

const bankName = sandboxBank.name;

const makers: Readonly<Record<DepositCurrency, (seed: string, holderName: string) => DepositAccount>> = {
  usd(seed, holderName) {
    const accountNumber = usAccountNumber(seed);
    const { routingNumber } = sandboxBank;
    return {
      depositInstructions: {
        bank_name: bankName,
        account_number: accountNumber,
        routing_number: routingNumber,
        bank_address: sandboxBank.address,
        account_holder_name: holderName,
        payment_rails: factsOf('us_bank').rails,
      },
      accountKey: routingNumber + accountNumber,
    };
  },
  eur(seed, holderName) {
    const { bic, ibanBank, ibanCountry } = sandboxBank;
    const bban = ibanBank + number(seed, 'iban', 13);
    const iban = ibanCountry + ibanCheckDigits(ibanCountry, bban) + bban;
    return {
      depositInstructions: { iban, bic, account_holder_name: holderName, bank_name: bankName },
      accountKey: iban,
    };
  },
  gbp(seed, holderName) {
    const sortCode = sandboxBank.sortCodePrefix + number(seed, 'sort code', 4);
    const accountNumber = number(seed, 'gb account', 8);
    return {
      depositInstructions: {
        account_number: accountNumber,
        sort_code: sortCode,
        account_holder_name: holderName,
        bank_name: bankName,
      },
      accountKey: sortCode + accountNumber,
    };
  },
  mxn(seed, holderName) {
    const head = sandboxBank.clabeBankAndCity + number(seed, 'clabe', 11);
    const clabe = head + clabeCheckDigit(head);
    return {
      depositInstructions: { clabe, account_holder_name: holderName, bank_name: bankName },
      accountKey: clabe,
    };
  },
  brl(seed, holderName) {
    const key = seededUuid({ seed, purpose: 'pix key' });
    return {
      depositInstructions: { br_code: brCode(key, holderName), account_holder_name: holderName },
      accountKey: key,
    };
  },
};

function number(seed: string, purpose: string, length: number): string {
  return seededText(digits, length, { seed, purpose });
}

/** A test value: payouts to an account whose number ends with 100 and two digits are returned. */
const returnTestValue = /100\d\d$/;

function usAccountNumber(seed: string): string {
  for (let attempt = 0; ; attempt += 1) {
    const accountNumber = number(seed, `us account ${attempt}`, 12);
    if (!returnTestValue.test(accountNumber)) return accountNumber;
  }
}

/** The longest merchant name of a BR Code, in ASCII (Banco Central do Brasil, Manual do BR Code). */
const brCodeNameLength = 25;
const brCodeCity = 'SAO PAULO';

/** A static BR Code for a Pix key, without an amount. */
function brCode(key: string, holderName: string): string {
  const account = object('00', 'br.gov.bcb.pix') + object('01', key);
  const code = [
    object('00', '01'),
    object('26', account),
    object('52', '0000'),
    object('53', '986'),
    object('58', 'BR'),
    object('59', merchantName(holderName)),
    object('60', brCodeCity),
    object('62', object('05', '***')),
    '6304',
  ].join('');
  return code + crc16(Buffer.from(code));
}

/** EMV QRCPS: two digits of id, two of length, the value. */
function object(id: string, value: string): string {
  return id + String(value.length).padStart(2, '0') + value;
}

/** A name in ASCII capitals; the bank's own name if no letter or digit is left. */
function merchantName(holderName: string): string {
  const ascii = holderName
    .normalize('NFKD')
    .toUpperCase()
    .replaceAll(/[^A-Z0-9 .&-]/g, '')
    .replaceAll(/ +/g, ' ')
    .trim()
    .slice(0, brCodeNameLength)
    .trim();
  return /[A-Z0-9]/.test(ascii) ? ascii : bankName.toUpperCase().slice(0, brCodeNameLength);
}
