import type { Currency } from '../platform/money.ts';

/** Chains of one family have the same keys, addresses and node API. */
export type ChainFamily = 'solana' | 'evm' | 'tron';

const stablecoins = ['usdc', 'usdt', 'pyusd', 'eurc'] as const satisfies readonly Currency[];

/** The currencies that exist on chains. */
export type Stablecoin = (typeof stablecoins)[number];

/** Whether a text is a stablecoin's code as the API writes it (lower case). */
export function isStablecoin(text: string): text is Stablecoin {
  return (stablecoins as readonly string[]).includes(text);
}

interface ChainFacts {
  readonly family: ChainFamily;
  /** The tokens that their issuers issue on the chain, without bridged tokens. */
  readonly currencies: readonly Stablecoin[];
}

/** Every chain, in the order the API lists them (contract §4, crypto wallets). */
export const chains = [
  'solana',
  'ethereum',
  'arbitrum',
  'base',
  'optimism',
  'polygon',
  'avalanche',
  'tron',
] as const;

export type Chain = (typeof chains)[number];

const registry: Readonly<Record<Chain, ChainFacts>> = {
  solana: { family: 'solana', currencies: ['usdc', 'usdt', 'pyusd', 'eurc'] },
  ethereum: { family: 'evm', currencies: ['usdc', 'usdt', 'pyusd', 'eurc'] },
  arbitrum: { family: 'evm', currencies: ['usdc', 'usdt', 'pyusd'] },
  base: { family: 'evm', currencies: ['usdc', 'eurc'] },
  optimism: { family: 'evm', currencies: ['usdc', 'usdt'] },
  polygon: { family: 'evm', currencies: ['usdc', 'usdt'] },
  avalanche: { family: 'evm', currencies: ['usdc', 'usdt', 'eurc'] },
  tron: { family: 'tron', currencies: ['usdt'] },
};

/** Whether a text is a chain's name as the API writes it (lower case). */
export function isChain(text: string): text is Chain {
  return Object.hasOwn(registry, text);
}

/** The family of a chain: chains of one family share a wallet's key and address. */
export function chainFamily(chain: Chain): ChainFamily {
  return registry[chain].family;
}

/** Decimal places of the native coins. */
export const nativeScale = { evm: 18, solana: 9, tron: 6 } as const satisfies Record<ChainFamily, number>;

/** The stablecoins that exist on a chain (contract §4: no USDC on Tron, no USDT on Base). */
export function currenciesOn(chain: Chain): readonly Stablecoin[] {
  return registry[chain].currencies;
}

/** The chains a currency exists on, in the order of `chains`. */
export function chainsOf(currency: Stablecoin): readonly Chain[] {
  return chains.filter((chain) => currenciesOn(chain).includes(currency));
}
