/** Decimal places of the currencies that bank rails pay in: ISO 4217, minor units. */
export const fiatScale = {
  usd: 2,
  eur: 2,
  gbp: 2,
  mxn: 2,
  brl: 2,
  ghs: 2,
  kes: 2,
  ugx: 0,
  rwf: 0,
  tzs: 2,
  xof: 0,
  xaf: 0,
  zmw: 2,
  ngn: 2,
} as const;

export type FiatCode = keyof typeof fiatScale;
