import { base58 } from '@scure/base';
import fc from 'fast-check';
import { getAddress, toHex } from 'viem';
import { describe, expect, test } from 'vitest';
import { checkAddress, toChecksumAddress, toSolanaAddress, toTronAddress } from './addresses.ts';
import { type Chain, chainFamily, chains } from './registry.ts';

// ERC-55 (formerly EIP-55), Test Cases: all caps, all lower, normal.
const eip55Vectors = [
  '0x52908400098527886E0F7030069857D2E4169EE7',
  '0x8617E340B3D01FA5F11F306F4090FD50E238070D',
  '0xde709f2102306220921060314715629080e2fb77',
  '0x27b1fdb04752bbc536007a920d24acb045561c26',
  '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
  '0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359',
  '0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB',
  '0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb',
];

// ebellocchia/bip_utils, tests/addr/test_trx_addr.py: account and address.
const tronVectors = [
  ['2b6e3782fbedade9e4c05078f46a9e29841f0bbe', 'TDvr6Jpwfp1wDiV7PhaB19YMsMHRSXmY7p'],
  ['e9e9d3001799a9fa785bed8cf3a7995e8aebb8bd', 'TXJ2Z9VAwDpQ4W6zwTpXxRUpwFVDetPQuC'],
  ['8ae776b9997f92f90a25a156423918e751496db5', 'TNdfXv6WTTyS2ohkTu8YA62WmLTNWqK46i'],
  ['386fd4b1ad845ca6495e45544acf2b32f25f45d2', 'TF7cowibxyJdMyGtjP2yP7oyN5ZmSMPnWd'],
  ['f616473322599b7cb664e438e7264dbb06996336', 'TYQPvAG6AuzQed8RPuH62pcbZBKj9TkPk1'],
] as const;

// The USDT contract on Tron and the USDC and PYUSD mints on Solana, as their issuers publish them.
const usdtOnTron = 'TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t';
const usdcOnSolana = 'EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v';
const pyusdOnSolana = '2b1kV6DkPAnxd5ixfnxCpjxmKwqjjaYmCZfHsFu24GXo';

/** The fault of a refusal; fails the test when the address passes. */
function faultOf(chain: Chain, text: string): string {
  const checked = checkAddress(chain, text);
  if (checked.ok) throw new Error(`${chain} accepted ${text}`);
  expect(checked.fault).toMatch(/^[A-Z].*\.$/);
  if (text.length > 2) expect(checked.fault).not.toContain(text);
  return checked.fault;
}

function flipCase(letter: string): string {
  return letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase();
}

describe('an EVM address', () => {
  test.each(eip55Vectors)('passes in its EIP-55 form: %s', (address) => {
    expect(checkAddress('ethereum', address)).toEqual({ ok: true, address });
    expect(toChecksumAddress(Buffer.from(address.slice(2), 'hex'))).toBe(address);
  });

  test.each(eip55Vectors)('comes back in EIP-55 form from one case: %s', (address) => {
    const lower = address.toLowerCase();
    const upper = `0x${address.slice(2).toUpperCase()}`;
    expect(checkAddress('base', lower)).toEqual({ ok: true, address });
    expect(checkAddress('base', upper)).toEqual({ ok: true, address });
  });

  test('fails with the case of any one letter flipped', () => {
    const address = '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed';
    for (let at = 2; at < address.length; at += 1) {
      const letter = address.charAt(at);
      if (!/[a-f]/i.test(letter)) continue;
      const wrong = address.slice(0, at) + flipCase(letter) + address.slice(at + 1);
      expect(faultOf('polygon', wrong)).toContain('EIP-55');
    }
  });

  test('fails with any digit changed in its mixed-case form', () => {
    const address = '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed';
    for (let at = 2; at < address.length; at += 1) {
      const wrong = address.slice(0, at) + (address.charAt(at) === '1' ? '2' : '1') + address.slice(at + 1);
      expect(faultOf('optimism', wrong)).toContain('EIP-55');
    }
  });

  test.each([
    '',
    '0x',
    '5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
    '0X5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
    '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAe',
    '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAedd',
    ' 0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
    '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed\n',
    '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeg',
    usdtOnTron,
    usdcOnSolana,
  ])('is refused in another shape: %j', (text) => {
    expect(faultOf('avalanche', text)).toBe(
      'An address on avalanche must be 0x followed by 40 hexadecimal digits.',
    );
  });

  test('is refused when it is zero', () => {
    expect(faultOf('arbitrum', `0x${'0'.repeat(40)}`)).toContain('zero address of arbitrum');
  });

  test('is written as viem writes it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 20, maxLength: 20 }), (bytes) => {
        expect(toChecksumAddress(bytes)).toBe(getAddress(toHex(bytes)));
      }),
    );
  });
});

describe('a Tron address', () => {
  test.each(tronVectors)('is written from its account: %s', (account, address) => {
    expect(toTronAddress(Buffer.from(account, 'hex'))).toBe(address);
    expect(checkAddress('tron', address)).toEqual({ ok: true, address });
  });

  test('passes unchanged', () => {
    expect(checkAddress('tron', usdtOnTron)).toEqual({ ok: true, address: usdtOnTron });
  });

  test('fails with any one letter changed', () => {
    for (let at = 1; at < usdtOnTron.length; at += 1) {
      const letter = usdtOnTron.charAt(at) === 'u' ? 'v' : 'u';
      faultOf('tron', usdtOnTron.slice(0, at) + letter + usdtOnTron.slice(at + 1));
    }
    expect(faultOf('tron', `${usdtOnTron.slice(0, -1)}u`)).toContain('checksum');
  });

  // ebellocchia/bip_utils, tests/addr/test_trx_addr.py: wrong prefix, wrong checksum, wrong lengths; then our own.
  test.each([
    'T94nw3xoTjXXqBzLNUwmYhLovg4nNVZKB6',
    'TLc6WnRN9DxA4uygPrHGr9A1DhVMxx2w45',
    '6w9cP3taF7zAsCtmViHprBoiiK68GnrsC',
    '319DKUdrbDY8tXmD2xWfQW5aJ3akX7ytypnG',
    '',
    `${usdtOnTron} `,
    `T${'0'.repeat(33)}`,
    '41a614f803b6fd780986a42c78ec9c7f77e6ded13c',
    '0xa614f803B6FD780986A42c78Ec9c7f77e6DeD13C',
    usdcOnSolana,
  ])('is refused when it is none: %j', (text) => {
    faultOf('tron', text);
  });

  test('is refused when it is zero, the account that TronWeb shows before a wallet is connected', () => {
    const zero = toTronAddress(new Uint8Array(20));
    expect(zero).toBe('T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb');
    expect(faultOf('tron', zero)).toContain('zero address of tron');
  });
});

describe('a Solana address', () => {
  test.each([usdcOnSolana, pyusdOnSolana])('passes unchanged: %s', (address) => {
    expect(checkAddress('solana', address)).toEqual({ ok: true, address });
  });

  test('is refused when it is not of 32 bytes', () => {
    const bytes = base58.decode(usdcOnSolana);
    faultOf('solana', base58.encode(bytes.subarray(0, 31)));
    faultOf('solana', base58.encode(Uint8Array.of(...bytes, 1)));
    // 31 bytes and 33 bytes whose text is within the bounds of length.
    const short = base58.encode(bytes.subarray(1));
    expect(short.length).toBeGreaterThanOrEqual(32);
    faultOf('solana', short);
    faultOf('solana', `1${base58.encode(bytes.fill(1, 0, 1))}`);
  });

  test.each([
    '',
    usdcOnSolana.replace('E', '0'),
    usdcOnSolana.replace('E', 'l'),
    `${usdcOnSolana} `,
    usdtOnTron,
    eip55Vectors[0] as string,
  ])('is refused when it is none: %j', (text) => {
    faultOf('solana', text);
  });

  test('is refused when it is zero', () => {
    expect(faultOf('solana', '1'.repeat(32))).toContain('zero address of solana');
  });
});

describe('any address', () => {
  test('is refused immediately when it is very long', () => {
    const before = performance.now();
    for (const chain of chains) faultOf(chain, 'T'.repeat(1_000_000));
    expect(performance.now() - before).toBeLessThan(1000);
  });

  test('passes on its own chain in the form it was written in', () => {
    const account = fc
      .uint8Array({ minLength: 32, maxLength: 32 })
      .filter((bytes) => bytes.some((byte, at) => at < 20 && byte !== 0));
    fc.assert(
      fc.property(account, fc.constantFrom(...chains), (bytes, chain) => {
        const write = {
          evm: () => toChecksumAddress(bytes.subarray(0, 20)),
          tron: () => toTronAddress(bytes.subarray(0, 20)),
          solana: () => toSolanaAddress(bytes),
        };
        const address = write[chainFamily(chain)]();
        expect(checkAddress(chain, address)).toEqual({ ok: true, address });
      }),
    );
  });

  test('is never met with an exception', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), fc.constantFrom(...chains), (text, chain) => {
        expect(checkAddress(chain, text).ok).toBe(false);
      }),
    );
  });

  test('is only written from the right number of bytes', () => {
    expect(() => toChecksumAddress(new Uint8Array(19))).toThrow(RangeError);
    expect(() => toTronAddress(new Uint8Array(21))).toThrow(RangeError);
    expect(() => toSolanaAddress(new Uint8Array(31))).toThrow(RangeError);
  });
});
