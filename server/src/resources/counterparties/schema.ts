import Type, { type Static } from 'typebox';
import { oneOf, time } from '../../http/schema.ts';
import { compileSerialiser } from '../../http/serialise.ts';
import { limits } from '../../platform/limits.ts';
import { unlessErased, type Vault } from '../../platform/seal.ts';
import {
  accountCurrencies,
  accountTypeNames,
  type ExternalAccount,
  factsOf,
} from '../../rails/account-types.ts';
import { pixKeyTypes } from '../../rails/identifiers/pix-key.ts';
import type { CounterpartyRow } from '../../store/tables/customers.ts';
import { bankNameOf, countryOf, last4Of, shownDetails } from './account-details.ts';

const statuses = ['active', 'inactive'] as const;
const ownerTypes = ['individual', 'business'] as const;

/** Not blank. */
const name = { minLength: 1, maxLength: limits.nameLength, pattern: '\\S' };

function identifier(description: string, maxLength: number = limits.identifierLength) {
  return Type.Optional(Type.String({ maxLength, description }));
}

const account = Type.Unsafe<string | Record<string, string>>({
  type: ['object', 'string'],
  description:
    '`us_bank`, `gb_bank`: the numbers, or the account number alone and the other one in `details`',
  maxLength: limits.identifierLength,
  properties: {
    account_number: Type.String({ maxLength: limits.identifierLength }),
    routing_number: Type.String({
      maxLength: limits.identifierLength,
      description: '`us_bank`: the ABA number',
    }),
    sort_code: Type.String({ maxLength: limits.identifierLength, description: '`gb_bank`' }),
  },
  additionalProperties: false,
});

const details = Type.Object(
  {
    provider: identifier('`mobile_money`: who runs it, such as `MTN`'),
    phoneNumber: identifier('`mobile_money`: in E.164 form'),
    accountNumber: identifier('`ghipss`, `nip`, `swift`; an IBAN where the country has them'),
    bankCode: identifier('`nip`: the code that the central bank gave'),
    swiftCode: identifier('`swift`: the BIC'),
    routing_number: identifier('`us_bank` with a plain `account`'),
    routingNumber: identifier('The same'),
    sort_code: identifier('`gb_bank` with a plain `account`'),
    sortCode: identifier('The same'),
  },
  { description: 'What names the account, where it is not a field of its own' },
);

const address = Type.Unsafe<string | Record<string, string>>({
  type: ['object', 'string'],
  description: "The owner's postal address, as one text or in parts",
  maxLength: limits.shortTextLength,
  maxProperties: limits.addressLines,
  propertyNames: { type: 'string', minLength: 1, maxLength: limits.metadataKeyLength },
  additionalProperties: { type: 'string', maxLength: limits.shortTextLength },
});

export const CreateCounterpartyBody = Type.Object(
  {
    customerId: Type.String({
      minLength: 1,
      maxLength: limits.shortTextLength,
      description: 'The customer whose account it is',
    }),
    currency: oneOf(accountCurrencies, 'One that the account type has'),
    accountType: oneOf(accountTypeNames, 'Decides which fields name the account'),
    accountOwnerName: Type.String({ ...name, description: 'Whose account it is, as the bank knows them' }),
    accountOwnerType: Type.Optional(oneOf(ownerTypes)),
    bankName: Type.Optional(Type.String(name)),
    accountName: Type.Optional(Type.String({ ...name, description: 'What you call it' })),
    firstName: Type.Optional(Type.String(name)),
    lastName: Type.Optional(Type.String(name)),
    businessName: Type.Optional(Type.String(name)),
    account: Type.Optional(account),
    iban: identifier('`iban`'),
    clabe: identifier('`clabe`'),
    pixKey: identifier('`pix`: CPF, CNPJ, phone number, email address or random key'),
    brCode: identifier('`pix`: the text of a QR code, instead of `pixKey`', limits.brCodeLength),
    address: Type.Optional(address),
    details: Type.Optional(details),
  },
  {
    examples: [
      {
        customerId: 'cus_01jhmbxq7ve2r8n5d0kz3c6tga',
        currency: 'usd',
        accountType: 'us_bank',
        accountOwnerName: 'Ada Lovelace',
        account: { account_number: '123456789', routing_number: '021000021' },
      },
    ],
  },
);
export type CreateCounterpartyBody = Static<typeof CreateCounterpartyBody>;

const shown = {
  bankName: Type.Optional(Type.String()),
  last4: Type.Optional(Type.String({ description: 'The end of the account number' })),
  details: Type.Optional(
    Type.Object(
      { provider: Type.String(), phoneNumber: Type.String() },
      { description: '`mobile_money` only' },
    ),
  ),
  paymentRails: Type.Array(Type.String(), { description: 'The rails that can pay to it' }),
};

export const Counterparty = Type.Object({
  id: Type.String(),
  customerId: Type.String(),
  accountType: oneOf(accountTypeNames),
  currency: Type.String(),
  status: oneOf(statuses),
  accountOwnerName: Type.String(),
  accountOwnerType: Type.Optional(oneOf(ownerTypes)),
  accountName: Type.Optional(Type.String()),
  ...shown,
  createdAt: time(),
  updatedAt: time(),
});

export const CounterpartyValidation = Type.Object({
  valid: Type.Unsafe<true>({ type: 'boolean', enum: [true] }),
  accountType: oneOf(accountTypeNames),
  currency: Type.String(),
  country: Type.Optional(Type.String({ description: 'Where the account is, as far as its numbers tell' })),
  pixKeyType: Type.Optional(oneOf(pixKeyTypes, '`pix` only: what kind of key it is')),
  ...shown,
});

type OwnerField = 'accountOwnerType' | 'bankName' | 'accountName' | 'firstName' | 'lastName' | 'businessName';

/** An account and its owner. The counterparty's row stores them sealed. */
export interface AccountData
  extends Pick<CreateCounterpartyBody, 'accountOwnerName' | 'address' | OwnerField> {
  readonly account: ExternalAccount;
}

const serialise = compileSerialiser<Static<typeof Counterparty>>(Counterparty);
const serialiseValidation = compileSerialiser<Static<typeof CounterpartyValidation>>(CounterpartyValidation);

/** The seal context of a counterparty's account data. */
export function accountContext(counterpartyId: string): string {
  return `counterparties.account:${counterpartyId}`;
}

/** Opens the sealed data of a counterparty's row. @throws ErasedError if the customer was erased */
export function openAccount(row: CounterpartyRow, vault: Vault): AccountData {
  return JSON.parse(vault.open(row.account, accountContext(row.id)));
}

/** The JSON text of a counterparty, which never contains a whole account number. */
export function counterpartyJson(row: CounterpartyRow, vault: Vault): string {
  const data = unlessErased(() => openAccount(row, vault), undefined);
  return serialise({
    id: row.id,
    customerId: row.customer_id,
    accountType: row.account_type,
    currency: row.currency,
    status: row.status,
    ...(data ? shownAccount(data) : erasedAccount(row)),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  });
}

function shownAccount(data: AccountData) {
  return {
    accountOwnerName: data.accountOwnerName,
    ...(data.accountOwnerType === undefined ? {} : { accountOwnerType: data.accountOwnerType }),
    ...(data.accountName === undefined ? {} : { accountName: data.accountName }),
    ...shownOf(data.account, data.bankName),
  };
}

/** The fields of an account whose customer was erased. */
function erasedAccount({ account_type: type }: CounterpartyRow) {
  return { accountOwnerName: 'erased', paymentRails: [...factsOf(type).rails] };
}

/** The JSON text of a validation. */
export function validationJson(body: CreateCounterpartyBody, account: ExternalAccount): string {
  const country = countryOf(account);
  return serialiseValidation({
    valid: true,
    accountType: body.accountType,
    currency: body.currency,
    ...(country === undefined ? {} : { country }),
    ...('pixKeyType' in account ? { pixKeyType: account.pixKeyType } : {}),
    ...shownOf(account, body.bankName),
  });
}

function shownOf(account: ExternalAccount, givenBankName: string | undefined) {
  const bankName = givenBankName ?? bankNameOf(account);
  const last4 = last4Of(account);
  const details = shownDetails(account);
  return {
    ...(bankName === undefined ? {} : { bankName }),
    ...(last4 === undefined ? {} : { last4 }),
    ...(details === undefined ? {} : { details }),
    paymentRails: [...factsOf(account.type).rails],
  };
}
