import { describe, expect, test } from 'vitest';
import { parseChains } from '../config.ts';
import { networks } from '../networks.ts';

const parse = (entry: object) =>
  parseChains(JSON.stringify({ tron: { rpc: ['https://key@api.trongrid.io'], ...entry } }));
const other = 'ab'.repeat(32);
const contract = 'TFz2CJn9CJb8C4i1Gke3jmZX2fRMJxniH2';

describe('Tron in the file of chains', () => {
  test('has the mainnet and its USDT when nothing else is said', () => {
    expect(parse({})).toMatchObject({
      chains: [
        {
          family: 'tron',
          networkId: networks.tron?.mainnet.id,
          tokens: [{ currency: 'usdt', address: 'TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t', isKnown: true }],
          finality: 'finalized',
          confirmations: 1,
          gas: { feeLimitSun: 60_000_000n },
        },
      ],
    });
    expect(parse({ network: 'testnet' })).toMatchObject({
      chains: [{ networkId: networks.tron?.testnet.id, tokens: [{ isKnown: true }] }],
    });
  });

  test('believes a contract of the operator only when that is said', () => {
    const tokens = { usdt: contract };
    expect(parse({ networkId: other, tokens, trustTokens: true })).toMatchObject({
      chains: [{ networkId: other, tokens: [{ address: contract, isKnown: true }] }],
    });
    expect(parse({ networkId: other, tokens })).toEqual({
      faults: [expect.stringMatching(/^\/tron\/tokens\/usdt: .*trustTokens/)],
    });
  });

  test.each([
    [{ networkId: '1' }, /networkId: Must be the id of the first block/],
    [{ gas: { maxFeeGwei: '1' } }, /gas\/maxFeeGwei: Unknown field. tron has feeLimit/],
    [{ gas: { feeLimit: '0.0000001' } }, /gas\/feeLimit: Must have at most 6 decimals/],
    [{ tokens: { usdc: contract } }, /tokens\/usdc: Must be one of usdt on tron/],
    [{ tokens: { usdt: 'TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6u' } }, /checksum/],
  ])('%o is refused', (entry, fault) => {
    expect((parse(entry) as { faults: string[] }).faults.join()).toMatch(fault);
  });
});
