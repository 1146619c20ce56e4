/**
 * The bank of the sandbox. Each of its codes is right in form and, to our knowledge, nobody's: a payment that somebody
 * makes to it in earnest is turned down.
 */
export const sandboxBank = {
  name: 'OpenLedger Sandbox Bank',
  address: '1 Sandbox Street, New York, NY 10001, US',
  /** Passes the checksum, is in no directory; widely used in tests. */
  routingNumber: '110000000',
  /** The 0 at the end is for test and training (ISO 9362). */
  bic: 'OPLGLUL0',
  /** IBANs of Luxembourg have 13 free characters: ten thousand times as many accounts as those of Germany. */
  ibanCountry: 'LU',
  ibanBank: '999',
  /** No bank has sort codes that start with 00. */
  sortCodePrefix: '00',
  /** 999 is "not applicable" in Banco de México's list, 180 is Mexico City. */
  clabeBankAndCity: '999180',
  ispb: '99999999',
  /** Of the range that NIBSS tests with. */
  nipInstitution: '999999',
  /** Letters that identifiers of its own start with. */
  letters: 'OPLG',
} as const;
