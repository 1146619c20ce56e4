import type { Currency } from '../platform/money.ts';

/** A currency that bank rails pay in. */
export type FiatCode = Exclude<Currency, 'usdc' | 'usdt' | 'pyusd' | 'eurc'>;
