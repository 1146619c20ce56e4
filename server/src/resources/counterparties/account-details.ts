import type { Refusal } from '../../platform/errors.ts';
import { type AccountType, type ExternalAccount, factsOf } from '../../rails/account-types.ts';
import { countryOfBic } from '../../rails/identifiers/bic.ts';
import { countryOfNumber } from '../../rails/identifiers/mobile-money.ts';
import { nigerianBanks } from '../../rails/identifiers/nuban.ts';
import type { CustomerRow } from '../../store/rows.ts';
import { refuseCustomer, refuseStanding } from '../customers/state.ts';

/**
 * Why a customer may not have an account of a type: some types only the verified may have.
 *
 * @param customer undefined when there is none by that id in the environment
 * @returns undefined when they may
 */
export function refuseOwner(customer: CustomerRow | undefined, type: AccountType): Refusal | undefined {
  return factsOf(type).needsKyc ? refuseCustomer(customer, 'transfers') : refuseStanding(customer);
}

const shownLength = 4;
/** So much of a short number stays hidden whatever is shown of it. */
const hiddenLength = 2;

/** The end of an account's number, never all of it; undefined for mobile money, which shows its details instead. */
export function last4Of(account: ExternalAccount): string | undefined {
  const number = numberOf(account);
  return number?.slice(-Math.min(shownLength, number.length - hiddenLength));
}

function numberOf(account: ExternalAccount): string | undefined {
  if ('accountNumber' in account) return account.accountNumber;
  if ('iban' in account) return account.iban;
  if ('clabe' in account) return account.clabe;
  if ('pixKey' in account) return account.pixKey;
  return 'brCode' in account ? account.brCode : undefined;
}

/** What is shown of a mobile money account: all of it (contract §4). */
export function shownDetails(
  account: ExternalAccount,
): { provider: string; phoneNumber: string } | undefined {
  if (account.type !== 'mobile_money') return undefined;
  return { provider: account.provider, phoneNumber: account.phoneNumber };
}

/** The bank, where the account's numbers tell. */
export function bankNameOf(account: ExternalAccount): string | undefined {
  return account.type === 'nip' ? nigerianBanks[account.bankCode] : undefined;
}

const countryByType: Partial<Record<AccountType, string>> = {
  us_bank: 'US',
  gb_bank: 'GB',
  clabe: 'MX',
  pix: 'BR',
  ghipss: 'GH',
  nip: 'NG',
};

/** The country (ISO 3166 alpha-2) that an account is in, where its numbers tell. */
export function countryOf(account: ExternalAccount): string | undefined {
  switch (account.type) {
    case 'iban':
      return account.iban.slice(0, 2);
    case 'swift':
      return countryOfBic(account.swiftCode);
    case 'mobile_money':
      return countryOfNumber(account.phoneNumber, account.currency);
    default:
      return countryByType[account.type];
  }
}
