import { assert } from '../platform/errors.ts';
import type { Rail } from './rails.ts';

/** A return code of a rail. */
export interface ReturnCode {
  readonly code: string;
  /** The meaning, in one sentence. */
  readonly reason: string;
  /** The latest time of the return, in banking days after settlement. */
  readonly bankingDays?: number;
  /** The latest time of the return, in calendar days after settlement, if the rail counts those. */
  readonly calendarDays?: number;
}

function codes(bankingDays: number | undefined, reasons: Readonly<Record<string, string>>): ReturnCode[] {
  return Object.entries(reasons).map(([code, reason]) => ({
    code,
    reason,
    ...(bankingDays === undefined ? {} : { bankingDays }),
  }));
}

const twoDays = 2;
/** "Next file delivery time following processing": rejections by the ACH operator. */
const nextFile = 1;

function within60Days(code: string, reason: string): ReturnCode {
  return { code, reason, calendarDays: 60 };
}

/**
 * Nacha Operating Rules, Appendix Four. R06 and R23 have no fixed time: two days are usual. Most of R05 to R11 concern debits; a credit meets R02, R03, R04, R16, R20 and R23.
 */
const ach: readonly ReturnCode[] = [
  ...codes(twoDays, {
    R01: 'The account does not hold enough money.',
    R02: 'The account is closed.',
    R03: 'There is no such account, or it belongs to somebody else.',
    R04: 'The account number is not valid.',
  }),
  within60Days('R05', 'A debit of a kind for companies was made to a consumer’s account.'),
  ...codes(undefined, { R06: 'The sending bank asked for the payment back.' }),
  within60Days('R07', 'The customer has withdrawn their authorisation.'),
  ...codes(twoDays, {
    R08: 'The customer has stopped the payment.',
    R09: 'The money on the account cannot be used yet.',
  }),
  within60Days('R10', 'The customer does not know the sender or has not authorised them.'),
  within60Days('R11', 'The payment is not what the customer had authorised.'),
  ...codes(twoDays, { R12: 'The branch now belongs to another bank.' }),
  ...codes(nextFile, { R13: 'The routing number is of no bank that takes part in ACH.' }),
  ...codes(twoDays, {
    R14: 'The representative payee has died or cannot act any more.',
    R15: 'The beneficiary or account holder has died.',
    R16: 'The account is frozen.',
    R17: 'The receiving bank could not process the entry, or found it questionable.',
  }),
  ...codes(nextFile, {
    R18: 'The effective date of the entry is not right.',
    R19: 'The amount is not right.',
  }),
  ...codes(twoDays, {
    R20: 'The account takes no such transactions.',
    R21: 'The company’s identification is not valid.',
    R22: 'The individual’s identification is not valid.',
    R23: 'The receiver has refused the payment.',
    R24: 'The entry seems to be there twice.',
  }),
  ...codes(nextFile, {
    R25: 'The addenda record is not right.',
    R26: 'A field that must be there is missing.',
    R27: 'The trace number is not right.',
    R28: 'The routing number fails its check digit.',
  }),
  ...codes(twoDays, { R29: 'The corporate customer has not authorised the payment.' }),
];

/** ISO 20022, External Code Sets: ExternalReturnReason1Code and ExternalStatusReason1Code. */
const iso20022 = {
  AB03: 'Settlement was not done in time.',
  AB05: 'The beneficiary’s bank did not answer in time.',
  AB09: 'An error occurred at the beneficiary’s bank.',
  AC01: 'The account number is not right.',
  AC03: 'The beneficiary’s account number is not valid.',
  AC04: 'The account is closed.',
  AC06: 'The account is blocked.',
  AC07: 'The beneficiary’s account is closed.',
  AC14: 'The beneficiary’s account is of the wrong type.',
  AG01: 'Such payments are not allowed on this account.',
  AM02: 'The amount is above what is allowed.',
  AM04: 'There is not enough money.',
  AM05: 'The payment seems to be there twice.',
  BE01: 'The account belongs to somebody else than was named.',
  BE04: 'The beneficiary’s address is missing or not right.',
  BE06: 'The bank does not know the beneficiary.',
  CUST: 'The beneficiary has sent the payment back.',
  FOCR: 'The sender had asked for the payment back.',
  FRAD: 'The payment is said to be fraudulent.',
  MD07: 'The account holder has died.',
  MS02: 'The customer gives no reason.',
  MS03: 'The bank gives no reason.',
  RC01: 'The bank’s identifier is not right.',
  RR01: 'The sender’s account or identification is missing, as the law asks for it.',
  RR02: 'The sender’s name or address is missing, as the law asks for it.',
  RR03: 'The beneficiary’s name or address is missing, as the law asks for it.',
  RR04: 'There is a legal or regulatory reason.',
  TECH: 'There was a technical problem.',
} as const;

function iso(text: string): ReturnCode[] {
  const names = text.split(' ') as (keyof typeof iso20022)[];
  return names.map((code) => ({ code, reason: iso20022[code] }));
}

const acrossBanks = 'AC01 AC04 AC06 AG01 AM05 BE01 BE04 CUST FOCR FRAD MD07 MS02 MS03 RC01 RR04 TECH';
const instant = 'AB05 AC01 AC03 AC04 AC06 AC14 AG01 AM02 AM05 BE06 FRAD MD07 MS03 RC01 RR04 TECH';

const returnCodes: Readonly<Record<Rail, readonly ReturnCode[]>> = {
  ach,
  ach_same_day: ach,
  wire: iso(acrossBanks),
  rtp: iso(instant),
  fednow: iso(instant),
  // EPC, Rulebooks of the SEPA credit transfer and instant credit transfer schemes: R-transactions.
  sepa: iso('AB05 AC01 AC04 AC06 AG01 AM05 BE04 FOCR FRAD MD07 MS02 MS03 RC01 RR01 RR02 RR03 RR04 TECH'),
  faster_payments: iso('AC01 AC03 AC04 AC06 AC14 AG01 AM02 AM05 BE06 FRAD MD07 MS03 RR04 TECH'),
  // Banco de México, CEP: causes of return.
  spei: codes(undefined, {
    '01': 'There is no such account.',
    '02': 'The account is blocked.',
    '03': 'The account is cancelled.',
    '06': 'The account is not with this bank.',
    '14': 'Data that must be there is missing.',
    '19': 'There is a character that is not allowed.',
    '20': 'The account would exceed its limit.',
    '30': 'The tracking key has been used already.',
  }),
  // Banco Central do Brasil, Catálogo de Mensagens do SPI.
  pix: iso('AB03 AB09 AC03 AC06 AC07 AC14'),
  swift: iso(acrossBanks),
  // NIBSS, NIP response codes.
  nip: codes(undefined, {
    '03': 'The sender is not valid.',
    '06': 'The account is dormant.',
    '07': 'The account is not valid.',
    '08': 'The name is not that of the account.',
    '16': 'The bank is not known.',
    '51': 'There is not enough money.',
    '57': 'The sender is not allowed to do this.',
    '58': 'The channel is not allowed to do this.',
    '61': 'The amount is above the account’s limit.',
    '91': 'The beneficiary’s bank cannot be reached.',
  }),
  ghipss: iso('AC01 AC04 AC06 AG01 AM02 AM05 BE01 MS03 RC01 TECH'),
  mobile_money: iso('AC01 AC04 AC06 AG01 AM02 AM05 BE01 MS03 TECH'),
};

/** Every return code of a rail. */
export function returnCodesOf(rail: Rail): readonly ReturnCode[] {
  return returnCodes[rail];
}

/** @returns undefined if the rail does not have the code */
export function findReturnCode(rail: Rail, code: string): ReturnCode | undefined {
  return returnCodes[rail].find((known) => known.code === code);
}

/** The codes for an account that does not exist, the most frequent return. */
const noSuchAccount: ReadonlySet<string> = new Set(['R03', 'AC01', 'AC03', '01', '07']);

/** The default return code of a rail. */
export function usualReturnCode(rail: Rail): string {
  const usual = returnCodes[rail].find(({ code }) => noSuchAccount.has(code));
  assert(usual, 'each rail can say that there is no such account');
  return usual.code;
}

/** In progress, no response, or a system failure at either end: NIBSS requires another query with the same session id. */
const unknownOnNip: ReadonlySet<string> = new Set(['01', '09', '96', '97']);

/**
 * Whether a response leaves the outcome of a payment unknown. The payment then stays submitted and its status is queried
 * again; it may have been paid, so that it must not be refunded.
 */
export function isUnknownOutcome(rail: Rail, code: string): boolean {
  return rail === 'nip' && unknownOnNip.has(code);
}
