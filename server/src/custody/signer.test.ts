import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkAddress } from '../chains/addresses.ts';
import { chains } from '../chains/registry.ts';
import { systemClock } from '../platform/clock.ts';
import { createSeed, seedFromMnemonic } from './seed.ts';
import { createLocalSigner, type SignerSettings } from './signer.ts';

const seed = seedFromMnemonic(`${'abandon '.repeat(11)}about`);

/** For what signs nothing. */
const settings: SignerSettings = {
  policy: {},
  book: {
    find: async () => undefined,
    record: async () => {
      throw new Error('Nothing is signed here');
    },
    status: async () => ({ spent: [], lastAtMs: null }),
  },
  clock: systemClock,
  proofKeys: () => [],
};

describe('the local signer', () => {
  test('gives every chain its address, in the order of the registry', async () => {
    const evm = '0x9858EfFD232B4033E47d90003D41EC34EcaEda94';
    expect(await createLocalSigner(seed, settings).depositAddresses(0)).toEqual([
      { chain: 'solana', address: 'HAgk14JpMQLgt6rVgv7cBQFJWFto5Dqxi472uT3DKpqk' },
      { chain: 'ethereum', address: evm },
      { chain: 'arbitrum', address: evm },
      { chain: 'base', address: evm },
      { chain: 'optimism', address: evm },
      { chain: 'polygon', address: evm },
      { chain: 'avalanche', address: evm },
      { chain: 'tron', address: 'TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdH' },
    ]);
  });

  test('gives addresses that pass the check of their chain', async () => {
    const signer = createLocalSigner(seedFromMnemonic(createSeed()), settings);
    await fc.assert(
      fc.asyncProperty(fc.nat(2 ** 31 - 1), async (index) => {
        const addresses = await signer.depositAddresses(index);
        expect(addresses.map((entry) => entry.chain)).toEqual(chains);
        for (const { chain, address } of addresses) {
          expect(checkAddress(chain, address)).toEqual({ ok: true, address });
        }
      }),
      { numRuns: 50 },
    );
  });

  test('keeps working when the caller wipes the seed', async () => {
    const wiped = Uint8Array.from(seed);
    const signer = createLocalSigner(wiped, settings);
    wiped.fill(0);
    expect(await signer.depositAddresses(5)).toEqual(
      await createLocalSigner(seed, settings).depositAddresses(5),
    );
  });

  test('rejects an index that is none', async () => {
    const signer = createLocalSigner(seed, settings);
    for (const index of [-1, 0.5, 2 ** 31, Number.NaN]) {
      await expect(signer.depositAddresses(index)).rejects.toThrow(RangeError);
    }
  });

  test('shows nothing of its keys, however it is printed', async () => {
    const signer = createLocalSigner(seed, settings);
    await signer.depositAddresses(0);
    expect(Object.keys(signer)).toEqual([]);
    expect(JSON.stringify(signer)).toBe('{}');
    expect(inspect(signer, { depth: null })).toBe('{}');
    expect(inspect(signer, { depth: null, showHidden: true })).not.toMatch(/xprv|Uint8Array|[0-9a-f]{16}/);
    expect(Object.isFrozen(signer)).toBe(true);
    expect({ ...signer }).toEqual({});
  });
});
