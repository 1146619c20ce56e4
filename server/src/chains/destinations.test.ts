import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { toChecksumAddress, toSolanaAddress, toTronAddress } from './addresses.ts';
import { parseChains } from './config.ts';
import { checkDestination, type OwnAddresses, ownAddressesOf } from './destinations.ts';
import { networks } from './networks.ts';
import { type Chain, chainFamily, chains } from './registry.ts';
import { tokenAccountOf } from './solana/programs.ts';

const none = new Set<string>();
const bytesOf = (hex: string): Uint8Array => Buffer.from(hex.padStart(40, '0'), 'hex');

function reasonOf(chain: Chain, address: string, own: OwnAddresses = none): string | undefined {
  const checked = checkDestination(chain, address, own);
  if (checked.ok) return undefined;
  expect(checked.fault).toMatch(/^The address must .*\.$|^An address on .*\.$/);
  return checked.isAddress ? 'unusable_address' : 'invalid_address';
}

describe('a destination that nobody can use is refused', () => {
  test('every token of the built-in networks, also on another chain of its family', () => {
    for (const [chain, kinds] of Object.entries(networks)) {
      const tokens = Object.values(kinds ?? {}).flatMap((known) => Object.values(known.tokens) as string[]);
      expect(tokens.length).toBeGreaterThan(0);
      const family = chainFamily(chain as Chain);
      for (const other of chains.filter((known) => chainFamily(known) === family))
        for (const address of tokens) expect(reasonOf(other, address)).toBe('unusable_address');
    }
  });

  test('precompiles 0x01 to 0xff and the system contracts of rollups, on EVM chains and on Tron', () => {
    const accounts = [
      '1',
      '9',
      '64',
      'ff',
      '100',
      '1001',
      '1010',
      `42${'0'.repeat(36)}10`,
      `42${'0'.repeat(35)}7c0`,
    ];
    for (const account of accounts) {
      const bytes = bytesOf(account);
      expect(reasonOf('base', toChecksumAddress(bytes)), account).toBe('unusable_address');
      expect(reasonOf('tron', toTronAddress(bytes)), account).toBe('unusable_address');
    }
    // What looks similar is an address like any other; the last one is a test value of the sandbox.
    for (const account of ['101', '1002', `42${'0'.repeat(35)}800`, 'dead'])
      expect(reasonOf('base', toChecksumAddress(bytesOf(account))), account).toBeUndefined();
  });

  test.each([
    'TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA',
    'TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb',
    'ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL',
    'ComputeBudget111111111111111111111111111111',
    'BPFLoaderUpgradeab1e11111111111111111111111',
    'Vote111111111111111111111111111111111111111',
    'MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr',
    'SysvarC1ock11111111111111111111111111111111',
    'SysvarRent111111111111111111111111111111111',
    'Sysvar1nstructions1111111111111111111111111',
    'SysvarLastRestartS1ot1111111111111111111111',
  ])('the program or sysvar %s', (address) => {
    expect(reasonOf('solana', address)).toBe('unusable_address');
  });

  test.each([
    ['base', `0x${'0'.repeat(40)}`],
    ['tron', 'T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb'],
    ['solana', '11111111111111111111111111111111'],
  ] as const)('the zero address of %s', (chain, address) => {
    expect(reasonOf(chain, address)).toBe('invalid_address');
  });

  test('our own treasury with its token accounts, and every configured token', () => {
    const mint = '9WzDXwBbmkg8ZTbNMqUxvQRAyrZzDsGYdLVL9zYtAWWM';
    const token = toChecksumAddress(bytesOf('abcdef0123'));
    const rpc = ['https://node.example'];
    const read = parseChains(
      JSON.stringify({
        base: { rpc, networkId: '99', tokens: { usdc: token } },
        solana: { rpc, networkId: mint, tokens: { usdc: mint } },
      }),
    );
    if ('faults' in read) throw new Error(read.faults.join());
    const [evm, solana] = [
      toChecksumAddress(bytesOf('123456789abc')),
      toSolanaAddress(new Uint8Array(32).fill(7)),
    ];
    const treasuries = chains.map((chain) => ({
      chain,
      address: { evm, solana, tron: toTronAddress(bytesOf('77aa')) }[chainFamily(chain)],
    }));
    const own = ownAddressesOf(treasuries, read.chains);
    for (const address of [token, token.toLowerCase(), evm])
      expect(reasonOf('polygon', address, own)).toBe('unusable_address');
    const account = tokenAccountOf(solana, mint, 'TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA');
    for (const address of [mint, solana, account])
      expect(reasonOf('solana', address, own)).toBe('unusable_address');
    for (const address of [token, evm]) expect(reasonOf('base', address)).toBeUndefined();
  });

  test('and any other address passes in its canonical form', () => {
    const bytes = fc
      .uint8Array({ minLength: 32, maxLength: 32 })
      .filter((some) => some[0] !== 0 && some[0] !== 0x42);
    fc.assert(
      fc.property(bytes, (some) => {
        const address = toChecksumAddress(some.subarray(0, 20));
        expect(checkDestination('base', address.toLowerCase(), none)).toEqual({ ok: true, address });
        expect(reasonOf('solana', toSolanaAddress(some))).toBeUndefined();
        expect(reasonOf('tron', toTronAddress(some.subarray(0, 20)))).toBeUndefined();
      }),
    );
  });
});
