import type { SendingBank } from '../../rails/trace-ids.ts';

/**
 * The identity of the sandbox bank. Each code is valid in form and, to our knowledge, assigned to no bank, so that a real
 * payment to it is rejected.
 */
export const sandboxBank = {
  name: 'OpenLedger Sandbox Bank',
  address: '1 Sandbox Street, New York, NY 10001, US',
  /** Passes the checksum and is in no directory. Widely used in tests. */
  routingNumber: '110000000',
  /** The final 0 marks a code for test and training (ISO 9362). */
  bic: 'OPLGLUL0',
  /** IBANs of Luxembourg leave 13 characters to the bank, more than those of other euro countries. */
  ibanCountry: 'LU',
  ibanBank: '999',
  /** No bank has sort codes that start with 00. */
  sortCodePrefix: '00',
  /** 999 is "not applicable" in Banco de México's list, 180 is Mexico City. */
  clabeBankAndCity: '999180',
  ispb: '99999999',
  /** In the range that NIBSS uses for tests. */
  nipInstitution: '999999',
  /** The bank's own prefix of identifiers. */
  letters: 'OPLG',
} as const satisfies SendingBank & Readonly<Record<string, string>>;
