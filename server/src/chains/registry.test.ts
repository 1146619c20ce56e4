import { describe, expect, test } from 'vitest';
import { chainFamily, chains, chainsOf, currenciesOn, isChain, isStablecoin } from './registry.ts';

describe('the chains', () => {
  test('come in the order of the API', () => {
    expect(chains).toEqual([
      'solana',
      'ethereum',
      'arbitrum',
      'base',
      'optimism',
      'polygon',
      'avalanche',
      'tron',
    ]);
  });

  test('are told from other texts', () => {
    expect(chains.every(isChain)).toBe(true);
    for (const text of ['', 'Solana', 'bitcoin', 'constructor', '__proto__', 'solana ']) {
      expect(isChain(text), text).toBe(false);
    }
  });

  test('fall into three families', () => {
    expect(chainFamily('solana')).toBe('solana');
    expect(chainFamily('tron')).toBe('tron');
    const evm = chains.filter((chain) => chainFamily(chain) === 'evm');
    expect(evm).toEqual(['ethereum', 'arbitrum', 'base', 'optimism', 'polygon', 'avalanche']);
  });
});

describe('the stablecoins', () => {
  test('exist on just these chains', () => {
    expect(chainsOf('usdc')).toEqual([
      'solana',
      'ethereum',
      'arbitrum',
      'base',
      'optimism',
      'polygon',
      'avalanche',
    ]);
    expect(chainsOf('usdt')).toEqual([
      'solana',
      'ethereum',
      'arbitrum',
      'optimism',
      'polygon',
      'avalanche',
      'tron',
    ]);
    expect(chainsOf('pyusd')).toEqual(['solana', 'ethereum', 'arbitrum']);
    expect(chainsOf('eurc')).toEqual(['solana', 'ethereum', 'base', 'avalanche']);
  });

  test('are told per chain', () => {
    expect(currenciesOn('tron')).toEqual(['usdt']);
    expect(currenciesOn('base')).toEqual(['usdc', 'eurc']);
    const pairs = chains.flatMap((chain) => currenciesOn(chain).map((currency) => `${currency}/${chain}`));
    expect(new Set(pairs).size).toBe(21);
    expect(pairs).toHaveLength(21);
  });
});

test('tells stablecoins from other currencies', () => {
  expect(['usdc', 'usdt', 'pyusd', 'eurc'].filter(isStablecoin)).toHaveLength(4);
  expect(['usd', 'eur', 'USDC', '', 'toString', 'constructor'].filter(isStablecoin)).toEqual([]);
});
