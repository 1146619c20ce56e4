import type { AccountType, ExternalAccount } from '../../rails/account-types.ts';
import { countryOfBic } from '../../rails/identifiers/bic.ts';
import { countryOfNumber } from '../../rails/identifiers/mobile-money.ts';
import { nigerianBanks } from '../../rails/identifiers/nuban.ts';

const shownLength = 4;
/** The least number of characters that stay hidden. */
const hiddenLength = 2;

/** The last characters of an account's number, at most four and never all; undefined for mobile money accounts. */
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

/** The details of a mobile money account, which are shown in full (contract §4). */
export function shownDetails(
  account: ExternalAccount,
): { provider: string; phoneNumber: string } | undefined {
  if (account.type !== 'mobile_money') return undefined;
  return { provider: account.provider, phoneNumber: account.phoneNumber };
}

/** The name of the bank, if the account's bank code identifies it. */
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

/** The country of an account (ISO 3166 alpha-2), if its type or its numbers identify it. */
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
