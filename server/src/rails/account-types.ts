import {
  brCode,
  clabe,
  type FieldSchema,
  ghanaAccountNumber,
  mobileNumber,
  nigerianBankCode,
  nuban,
  pixKey,
  provider,
  routingNumber,
  sepaIban,
  sortCode,
  swiftAccountNumber,
  swiftCode,
  ukAccountNumber,
  usAccountNumber,
} from './account-fields.ts';
import type { FiatCode } from './fiat.ts';
import { type MobileMoneyCode, mobileMoneyCurrencies } from './identifiers/mobile-money.ts';
import type { PixKeyType } from './identifiers/pix-key.ts';

/** An external account type: its currencies, the rails that reach it, and the fields that identify it. */
interface AccountTypeFacts<Rail extends string = string> {
  readonly currencies: readonly FiatCode[];
  readonly rails: readonly Rail[];
  /** The request fields of the account, with dots between levels, and their schemas. */
  readonly fields: Readonly<Record<string, FieldSchema | ((currency: MobileMoneyCode) => FieldSchema)>>;
  /** Exactly one of the fields must be given. */
  readonly oneFieldOf?: true;
  /** Whether only verified customers may have one. */
  readonly needsKyc: boolean;
}

/** The nine account types (contract §4, Counterparties). */
const accountTypes = {
  us_bank: {
    currencies: ['usd'],
    rails: ['ach', 'ach_same_day', 'wire', 'rtp', 'fednow'],
    fields: { 'account.account_number': usAccountNumber, 'account.routing_number': routingNumber },
    needsKyc: true,
  },
  iban: { currencies: ['eur'], rails: ['sepa'], fields: { iban: sepaIban }, needsKyc: true },
  gb_bank: {
    currencies: ['gbp'],
    rails: ['faster_payments'],
    fields: { 'account.account_number': ukAccountNumber, 'account.sort_code': sortCode },
    needsKyc: true,
  },
  clabe: { currencies: ['mxn'], rails: ['spei'], fields: { clabe }, needsKyc: true },
  pix: {
    currencies: ['brl'],
    rails: ['pix'],
    fields: { pixKey, brCode },
    oneFieldOf: true,
    needsKyc: true,
  },
  mobile_money: {
    currencies: mobileMoneyCurrencies,
    rails: ['mobile_money'],
    fields: { 'details.provider': provider, 'details.phoneNumber': mobileNumber },
    needsKyc: false,
  },
  ghipss: {
    currencies: ['ghs'],
    rails: ['ghipss'],
    fields: { 'details.accountNumber': ghanaAccountNumber },
    needsKyc: false,
  },
  nip: {
    currencies: ['ngn'],
    rails: ['nip'],
    fields: { 'details.accountNumber': nuban, 'details.bankCode': nigerianBankCode },
    needsKyc: false,
  },
  swift: {
    currencies: ['usd', 'eur', 'gbp'],
    rails: ['swift'],
    fields: { 'details.accountNumber': swiftAccountNumber, 'details.swiftCode': swiftCode },
    needsKyc: false,
  },
} as const satisfies Record<string, AccountTypeFacts>;

export type AccountType = keyof typeof accountTypes;

/** A rail that reaches some account type; `rails.ts` has its facts. */
export type AccountRail = (typeof accountTypes)[AccountType]['rails'][number];

export const accountTypeNames = Object.keys(accountTypes) as AccountType[];

/** The facts of an account type. */
export function factsOf(accountType: AccountType): AccountTypeFacts<AccountRail> {
  return accountTypes[accountType];
}

/** Every currency of an account type. */
export const accountCurrencies: readonly FiatCode[] = [
  ...new Set(accountTypeNames.flatMap((name) => factsOf(name).currencies)),
];

export function isAccountType(text: string): text is AccountType {
  return Object.hasOwn(accountTypes, text);
}

/** A validated external account, with normalised identifiers. */
export type ExternalAccount =
  | { readonly type: 'us_bank'; readonly accountNumber: string; readonly routingNumber: string }
  | { readonly type: 'iban'; readonly iban: string }
  | { readonly type: 'gb_bank'; readonly accountNumber: string; readonly sortCode: string }
  | { readonly type: 'clabe'; readonly clabe: string }
  | { readonly type: 'pix'; readonly pixKey: string; readonly pixKeyType: PixKeyType }
  | { readonly type: 'pix'; readonly brCode: string }
  | {
      readonly type: 'mobile_money';
      readonly currency: MobileMoneyCode;
      readonly provider: string;
      readonly phoneNumber: string;
    }
  | { readonly type: 'ghipss'; readonly accountNumber: string }
  | { readonly type: 'nip'; readonly accountNumber: string; readonly bankCode: string }
  | { readonly type: 'swift'; readonly accountNumber: string; readonly swiftCode: string };
