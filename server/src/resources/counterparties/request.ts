import type { FaultDetail } from '../../platform/errors.ts';
import { limits } from '../../platform/limits.ts';
import { type AccountType, type ExternalAccount, factsOf, isAccountType } from '../../rails/account-types.ts';
import { checkBic } from '../../rails/identifiers/bic.ts';
import { checkBrCode } from '../../rails/identifiers/br-code.ts';
import { type Checked, passed } from '../../rails/identifiers/checked.ts';
import { checkClabe } from '../../rails/identifiers/clabe.ts';
import { checkGhanaAccountNumber } from '../../rails/identifiers/ghana-account.ts';
import { checkSepaIban } from '../../rails/identifiers/iban.ts';
import {
  checkMobileNumber,
  checkProvider,
  mobileMoneyCurrencies,
} from '../../rails/identifiers/mobile-money.ts';
import { checkNigerianBankCode, checkNuban, checkNubanShape } from '../../rails/identifiers/nuban.ts';
import { checkPixKey, type PixKeyType } from '../../rails/identifiers/pix-key.ts';
import { checkAccountShape, checkSwiftAccountNumber } from '../../rails/identifiers/swift-account.ts';
import { checkSortCode, checkUkAccountNumber } from '../../rails/identifiers/uk-account.ts';
import { checkRoutingNumber, checkUsAccountNumber } from '../../rails/identifiers/us-account.ts';

/** The account of a request, or its faults. */
export interface ParsedAccount {
  /** Undefined if there is a fault. */
  readonly account: ExternalAccount | undefined;
  readonly faults: readonly FaultDetail[];
}

/** The JSON pointers at which a body may give a field of an account, the default first. `/account` is the plain number. */
const placesByField: Readonly<Record<string, readonly string[]>> = {
  'account.account_number': ['/account/account_number', '/account'],
  'account.routing_number': ['/account/routing_number', '/details/routing_number', '/details/routingNumber'],
  'account.sort_code': ['/account/sort_code', '/details/sort_code', '/details/sortCode'],
  iban: ['/iban'],
  clabe: ['/clabe'],
  pixKey: ['/pixKey'],
  brCode: ['/brCode'],
  'details.provider': ['/details/provider'],
  'details.phoneNumber': ['/details/phoneNumber'],
  'details.accountNumber': ['/details/accountNumber'],
  'details.bankCode': ['/details/bankCode'],
  'details.swiftCode': ['/details/swiftCode'],
};

const places = Object.values(placesByField).flat();

/**
 * Parses the account of a counterparty's body. The schema reports wrong types and unknown fields, so that this accepts
 * any body.
 */
export function parseAccount(body: unknown): ParsedAccount {
  if (!isRecord(body) || typeof body.accountType !== 'string' || !isAccountType(body.accountType)) {
    return { account: undefined, faults: [] };
  }
  const reading = startReading(body.accountType, body);
  const account = readers[body.accountType](reading);
  reading.refuseForeign();
  return { account: reading.faults.length === 0 ? account : undefined, faults: reading.faults };
}

interface Reading {
  readonly faults: readonly FaultDetail[];
  readonly currency: unknown;
  has(field: string): boolean;
  /** The normalised field; undefined if it is missing or invalid, which is added to the faults. */
  take(field: string, check: (text: string) => Checked): string | undefined;
  fault(path: string, message: string): void;
  /** Adds a fault for every field that belongs to another account type. */
  refuseForeign(): void;
}

function startReading(type: AccountType, body: Readonly<Record<string, unknown>>): Reading {
  const facts = factsOf(type);
  const given = givenFields(body);
  const faults: FaultDetail[] = [];
  const fault = (path: string, message: string): void => void faults.push({ path, message });
  if (typeof body.currency === 'string' && !facts.currencies.some((code) => code === body.currency)) {
    fault(
      '/currency',
      `\`currency\` must be a currency of an account of type ${type}: ${facts.currencies.join(', ')}.`,
    );
  }
  const placesOf = (field: string): string[] =>
    (placesByField[field] ?? []).filter((place) => given.has(place));
  return {
    faults,
    currency: body.currency,
    fault,
    has: (field) => placesOf(field).length > 0,
    take(field, check) {
      const [place, second] = placesOf(field);
      if (place === undefined) {
        // With a plain `account`, the second number is in `details`.
        const [usual = '', inDetails = usual] = placesByField[field] ?? [];
        const isPlain = typeof given.get('/account') === 'string';
        fault(isPlain ? inDetails : usual, `This field is required for an account of type ${type}.`);
        return undefined;
      }
      if (second !== undefined) fault(second, `This field must be given once; ${place} has it too.`);
      const text = given.get(place);
      if (typeof text !== 'string' || text.length > maxLength(place)) return undefined;
      const checked = check(text);
      if (checked.ok) return checked.value;
      fault(place, checked.fault);
      return undefined;
    },
    refuseForeign() {
      const own = new Set(Object.keys(facts.fields).flatMap((field) => placesByField[field] ?? []));
      for (const place of given.keys()) {
        if (!own.has(place)) fault(place, `This field is not allowed for an account of type ${type}.`);
      }
    },
  };
}

/** The longest text that the schema allows. */
function maxLength(place: string): number {
  return place === '/brCode' ? limits.brCodeLength : limits.identifierLength;
}

/** The account fields of a body, by their JSON pointers. */
function givenFields(body: Readonly<Record<string, unknown>>): Map<string, unknown> {
  const given = new Map<string, unknown>();
  for (const place of places) {
    const [outer = '', inner] = place.slice(1).split('/');
    const value = Object.hasOwn(body, outer) ? body[outer] : undefined;
    if (inner === undefined) {
      if (value !== undefined && !isRecord(value)) given.set(place, value);
    } else if (isRecord(value) && Object.hasOwn(value, inner)) {
      given.set(place, value[inner]);
    }
  }
  return given;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

type Reader = (reading: Reading) => ExternalAccount | undefined;

const readers: Readonly<Record<AccountType, Reader>> = {
  us_bank({ take }) {
    const accountNumber = take('account.account_number', checkUsAccountNumber);
    const routingNumber = take('account.routing_number', checkRoutingNumber);
    return accountNumber && routingNumber ? { type: 'us_bank', accountNumber, routingNumber } : undefined;
  },
  iban({ take }) {
    const iban = take('iban', checkSepaIban);
    return iban ? { type: 'iban', iban } : undefined;
  },
  gb_bank({ take }) {
    const accountNumber = take('account.account_number', checkUkAccountNumber);
    const sortCode = take('account.sort_code', checkSortCode);
    return accountNumber && sortCode ? { type: 'gb_bank', accountNumber, sortCode } : undefined;
  },
  clabe({ take }) {
    const clabe = take('clabe', checkClabe);
    return clabe ? { type: 'clabe', clabe } : undefined;
  },
  pix: readPix,
  mobile_money: readMobileMoney,
  ghipss({ take }) {
    const accountNumber = take('details.accountNumber', checkGhanaAccountNumber);
    return accountNumber ? { type: 'ghipss', accountNumber } : undefined;
  },
  nip({ take }) {
    const bankCode = take('details.bankCode', checkNigerianBankCode);
    const accountNumber = take('details.accountNumber', (text) =>
      bankCode === undefined ? checkNubanShape(text) : checkNuban(text, bankCode),
    );
    return accountNumber && bankCode ? { type: 'nip', accountNumber, bankCode } : undefined;
  },
  swift({ take }) {
    const swiftCode = take('details.swiftCode', checkBic);
    const accountNumber = take('details.accountNumber', (text) =>
      swiftCode === undefined ? checkAccountShape(text) : checkSwiftAccountNumber(text, swiftCode),
    );
    return accountNumber && swiftCode ? { type: 'swift', accountNumber, swiftCode } : undefined;
  },
};

function readPix({ fault, has, take }: Reading): ExternalAccount | undefined {
  if (has('brCode')) {
    if (has('pixKey')) fault('/pixKey', 'Either `pixKey` or `brCode` must be given, not both.');
    const brCode = take('brCode', checkBrCode);
    return brCode ? { type: 'pix', brCode } : undefined;
  }
  if (!has('pixKey')) {
    fault('/pixKey', '`pixKey` or `brCode` is required for an account of type pix.');
    return undefined;
  }
  let pixKeyType: PixKeyType | undefined;
  const pixKey = take('pixKey', (text) => {
    const checked = checkPixKey(text);
    if (checked.ok) pixKeyType = checked.type;
    return checked;
  });
  return pixKey && pixKeyType ? { type: 'pix', pixKey, pixKeyType } : undefined;
}

function readMobileMoney({ currency, take }: Reading): ExternalAccount | undefined {
  const code = mobileMoneyCurrencies.find((known) => known === currency);
  // The checks depend on the currency; without a valid one only presence is checked.
  const provider = take('details.provider', (text) => (code ? checkProvider(text, code) : passed(text)));
  const phoneNumber = take('details.phoneNumber', (text) =>
    code ? checkMobileNumber(text, code) : passed(text),
  );
  return code && provider && phoneNumber
    ? { type: 'mobile_money', currency: code, provider, phoneNumber }
    : undefined;
}
