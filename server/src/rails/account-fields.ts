import { type MobileMoneyCode, mobileMoneyFacts } from './identifiers/mobile-money.ts';

/**
 * JSON Schema of a field that identifies an account. The pattern allows spaces and dashes; a schema cannot express check
 * digits.
 */
export interface FieldSchema {
  readonly type: 'string';
  /** The label in a form. */
  readonly title: string;
  readonly description?: string;
  readonly pattern?: string;
  readonly enum?: readonly string[];
  /** The examples of all fields of an account together form a valid account. */
  readonly examples: readonly [string];
}

function field(
  title: string,
  example: string,
  shape: { description?: string; pattern?: string; enum?: readonly string[] } = {},
): FieldSchema {
  return { type: 'string', title, ...shape, examples: [example] };
}

const digit = '\\d';
const letter = '[A-Za-z]';
const either = '[A-Za-z0-9]';

/** A pattern of characters of one kind, with spaces and dashes anywhere. */
function some(character: string, min: number, max = min): string {
  return `(?:${character}[\\s-]*){${min === max ? min : `${min},${max}`}}`;
}

function whole(...parts: string[]): { pattern: string } {
  return { pattern: `^[\\s-]*${parts.join('')}$` };
}

export const usAccountNumber = field('Account number', '123456789', whole(some(digit, 4, 17)));
export const routingNumber = field('Routing number', '021000021', {
  description: 'ABA number of the bank, which its checksum must fit',
  ...whole(some(digit, 9)),
});
export const ukAccountNumber = field('Account number', '31926819', whole(some(digit, 8)));
export const sortCode = field('Sort code', '60-16-13', whole(some(digit, 6)));
export const sepaIban = field('IBAN', 'DE89370400440532013000', {
  description: 'Of a country that SEPA reaches',
  ...whole(some(letter, 2), some(digit, 2), some(either, 11, 30)),
});
export const clabe = field('CLABE', '032180000118359719', whole(some(digit, 18)));
export const pixKey = field('Pix key', '123.456.789-09', {
  description: 'CPF, CNPJ, phone number with +55, email address or random key',
});
export const brCode = field(
  'BR Code',
  '00020126580014br.gov.bcb.pix0136123e4567-e12b-12d1-a456-4266554400005204000053039865802BR' +
    '5913Fulano de Tal6008BRASILIA62070503***63041D3D',
  { description: 'The text of a Pix QR code', pattern: '6304[0-9A-Fa-f]{4}\\s*$' },
);
export const ghanaAccountNumber = field('Account number', '0010123456789', whole(some(digit, 6, 20)));
export const nuban = field('Account number', '0000000018', {
  description: 'NUBAN, whose check digit must fit the bank',
  ...whole(some(digit, 10)),
});
export const nigerianBankCode = field('Bank code', '058', {
  description: 'Three digits of a bank, five of another institution',
  ...whole(some(digit, 3, 6)),
});
export const swiftAccountNumber = field('Account number', 'DE89370400440532013000', {
  description: 'An IBAN where the country of the bank has them',
  ...whole(some(either, 4, 34)),
});
export const swiftCode = field('SWIFT code', 'DEUTDEFF', {
  description: 'BIC of the bank',
  ...whole(some(letter, 6), some(either, 2), `(?:${some(either, 3)})?`),
});

/** The provider of a mobile money account. */
export function provider(currency: MobileMoneyCode): FieldSchema {
  const { providers } = mobileMoneyFacts(currency);
  return field('Provider', providers[0], { enum: providers });
}

/** A mobile number of a country that has the currency. */
export function mobileNumber(currency: MobileMoneyCode): FieldSchema {
  const { countries, examplePhoneNumber } = mobileMoneyFacts(currency);
  const numbers = countries.map(
    ({ callingCode, digits }) => `${[...callingCode].join('[\\s-]*')}[\\s-]*${some(digit, digits)}`,
  );
  return field('Phone number', examplePhoneNumber, {
    description: 'In E.164 form: +, the country code and the number in that country',
    ...whole(`\\+[\\s-]*(?:${numbers.join('|')})`),
  });
}
