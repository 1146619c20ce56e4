import fc from 'fast-check';
import { encodeFunctionData, type Hex, hashTypedData, keccak256, parseAbi, serializeTransaction } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { describe, expect, test } from 'vitest';
import { createDeriver } from '../../custody/derivation.ts';
import { seedFromMnemonic } from '../../custody/seed.ts';
import { SignerRefusal } from '../errors.ts';
import type { Movement } from '../signing.ts';
import { authorizationDigest } from './eip3009.ts';
import { decodeRlp, encodeRlp } from './rlp.ts';
import { checkEvmTransaction, signEvmTransaction } from './transaction.ts';

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replace(/^0x/, ''), 'hex'));
const hexOf = (data: Uint8Array): Hex => `0x${Buffer.from(data).toString('hex')}`;
const allAll = createDeriver(seedFromMnemonic('all all all all all all all all all all all all'));

// trezor/trezor-firmware, common/tests/fixtures/ethereum/sign_tx_eip1559.json, "all all …": index, to, chain id, value,
// data, maximum fee, tip, gas, then y parity, r and s.
const trezorVectors = [
  [
    'nodata',
    100,
    '0x1d1c328764a41bda0492b66baa30c4a339ff85ef',
    1,
    10n,
    '',
    [20n, 1n, 20n],
    [
      1,
      '2ceeaabc994fbce2fbd66551f9d48fc711c8db2a12e93779eeddede11e41f636',
      '2db4a9ecc73da91206f84397ae9287a399076fdc01ed7f3c6554b1c57c39bf8c',
    ],
  ],
  [
    'erc20_transfer',
    1,
    '0xfc6b5d6af8a13258f7cbd0d39e11b35e01a32f93',
    1,
    0n,
    'a9059cbb000000000000000000000000574bbb36871ba6b78e27f4b4dcfb76ea0091880b0000000000000000000000000000000000000000000000000000000000000123',
    [20n, 1n, 20n],
    [
      1,
      'e631b56bcc596844cb8686b2046e36cf33634aa396e7e1ea94a97aac02c18bda',
      '399bff8752539176c4b2f1d5d2a8f6029f79841d28802149ab339a033ffe4c1f',
    ],
  ],
  [
    'large_chainid',
    100,
    '0x1d1c328764a41bda0492b66baa30c4a339ff85ef',
    3125659152,
    10n,
    '',
    [20n, 1n, 20n],
    [
      0,
      '07f8c967227c5a190cb90525c3387691a426fe61f8e0503274280724060ea95c',
      '0bf83eaf74e24aa9146b23e06f9edec6e25acb81d3830e8d146b9e7b6923ad1e',
    ],
  ],
  [
    'long_fees',
    0,
    '0x1d1c328764a41bda0492b66baa30c4a339ff85ef',
    1,
    10n,
    '',
    [0x6b14e9f812f366fb9n, 0x15681d9b48e13b1e2n, 0xffn],
    [
      1,
      'ece384bf1922afff7b99e017a7326f11f1610c5a08ee87dda7f19572d8019ed9',
      '4e9e2ecbcd032dbc67fb3fc71e24cb21930f68d8788502383ae4a6fd4397af4f',
    ],
  ],
] as const;

describe('EIP-1559', () => {
  test.each(trezorVectors)(
    'Trezor vector %s',
    (_, index, to, chainId, value, data, fees, [yParity, r, s]) => {
      const [maxFeePerGas, maxPriorityFeePerGas, gas] = fees;
      const transaction = {
        type: 'eip1559',
        chainId,
        nonce: 0,
        to,
        value,
        data: `0x${data}`,
        maxFeePerGas,
        maxPriorityFeePerGas,
        gas,
      } as const;
      const signed = signEvmTransaction(bytes(serializeTransaction(transaction)), (digest) =>
        allAll.sign('evm', index, digest),
      );
      const expected = serializeTransaction(transaction, { r: `0x${r}`, s: `0x${s}`, yParity });
      expect(hexOf(signed.transaction)).toBe(expected);
      expect(signed.id).toBe(keccak256(expected));
    },
  );

  test('random transactions are signed as viem signs them', async () => {
    const key = Buffer.alloc(32, 7);
    const account = privateKeyToAccount(hexOf(key));
    const { secp256k1 } = await import('@noble/curves/secp256k1.js');
    const sign = (digest: Uint8Array): Uint8Array => {
      const signature = secp256k1.sign(digest, key, { prehash: false, format: 'recovered' });
      return Uint8Array.of(...signature.subarray(1), signature[0] ?? 0);
    };
    await fc.assert(
      fc.asyncProperty(
        fc.nat(),
        fc.bigInt(0n, 2n ** 80n),
        fc.uint8Array({ maxLength: 300 }),
        async (nonce, value, data) => {
          const transaction = {
            type: 'eip1559',
            chainId: 1,
            nonce,
            to: usdc,
            value,
            data: hexOf(data),
            gas: 90_000n,
            maxFeePerGas: 9n,
            maxPriorityFeePerGas: 1n,
          } as const;
          const signed = signEvmTransaction(bytes(serializeTransaction(transaction)), sign);
          expect(hexOf(signed.transaction)).toBe(await account.signTransaction(transaction));
        },
      ),
      { numRuns: 50 },
    );
  });
});

const usdc = '0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48';
const alice = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8';
const bob = '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC';
const abi = parseAbi([
  'function transfer(address,uint256)',
  'function approve(address,uint256)',
  'function receiveWithAuthorization(address,address,uint256,uint256,uint256,bytes32,uint8,bytes32,bytes32)',
]);

describe('what a transaction does is read from its bytes', () => {
  const movement: Movement = { kind: 'token', contract: usdc, from: alice, to: bob, amount: 5_000_000n };
  const base = {
    type: 'eip1559',
    chainId: 1,
    nonce: 7,
    to: usdc as Hex,
    value: 0n,
    data: encodeFunctionData({ abi, functionName: 'transfer', args: [bob, 5_000_000n] }),
    gas: 60_000n,
    maxFeePerGas: 30n,
    maxPriorityFeePerGas: 2n,
  } as const;
  const checked = (more: object = {}, expected: Movement = movement) =>
    checkEvmTransaction(bytes(serializeTransaction({ ...base, ...more } as typeof base)), expected, 1n);

  test('a transfer passes, with its nonce and the most that it costs', () => {
    expect(checked()).toEqual({ maxFeeNative: 1_800_000n, nonce: '7' });
  });

  test('native coin passes where that is meant', () => {
    const top: Movement = { kind: 'native', contract: undefined, from: alice, to: bob, amount: 9n };
    expect(checked({ to: bob, value: 9n, data: '0x' }, top)).toMatchObject({ nonce: '7' });
    expect(() => checked({ to: bob, value: 9n }, top)).toThrow('it calls a contract');
    expect(() => checked({ to: bob, value: 10n, data: '0x' }, top)).toThrow('the amount');
    expect(() => checked({ to: alice, value: 9n, data: '0x' }, top)).toThrow('the destination');
  });

  test('an authorised sweep passes where that is meant', () => {
    const authorised: Movement = { ...movement, kind: 'authorised' };
    const zero = `0x${'00'.repeat(32)}` as const;
    const call = (from: Hex, to: Hex, value: bigint) =>
      encodeFunctionData({
        abi,
        functionName: 'receiveWithAuthorization',
        args: [from, to, value, 0n, 99n, zero, 27, zero, zero],
      });
    expect(checked({ data: call(alice, bob, 5_000_000n) }, authorised)).toMatchObject({ nonce: '7' });
    expect(() => checked({ data: call(bob, bob, 5_000_000n) }, authorised)).toThrow('the deposit address');
    expect(() => checked({ data: call(alice, alice, 5_000_000n) }, authorised)).toThrow('the destination');
    expect(() => checked({ data: call(alice, bob, 5_000_001n) }, authorised)).toThrow('the amount');
    expect(() => checked({}, authorised)).toThrow('the call');
  });

  test.each([
    ['another chain', { chainId: 10 }, 'the chain id'],
    ['another contract', { to: alice }, 'the token contract'],
    ['native coin beside it', { value: 1n }, 'it sends native coin'],
    [
      'another call',
      { data: encodeFunctionData({ abi, functionName: 'approve', args: [bob, 5_000_000n] }) },
      'the call',
    ],
    [
      'another destination',
      { data: encodeFunctionData({ abi, functionName: 'transfer', args: [alice, 5_000_000n] }) },
      'the destination',
    ],
    [
      'another amount',
      { data: encodeFunctionData({ abi, functionName: 'transfer', args: [bob, 5_000_001n] }) },
      'the amount',
    ],
    ['more behind the call', { data: `${base.data}00` }, 'the length of the call'],
    ['dirt in the address', { data: base.data.replace('a9059cbb00', 'a9059cbb01') }, 'an address'],
    ['an access list', { accessList: [{ address: bob, storageKeys: [] }] }, 'there is an access list'],
    ['a new contract', { to: undefined }, 'it creates a contract'],
  ])('%s is refused', (_, more, fault) => {
    expect(() => checked(more)).toThrow(SignerRefusal);
    expect(() => checked(more)).toThrow(fault);
  });

  test('other kinds and broken bytes are refused, never met with another error', () => {
    const { maxFeePerGas: _a, maxPriorityFeePerGas: _b, ...rest } = base;
    const legacy = bytes(serializeTransaction({ ...rest, type: 'legacy', gasPrice: 1n }));
    expect(() => checkEvmTransaction(legacy, movement, 1n)).toThrow('no EIP-1559');
    const right = bytes(serializeTransaction(base));
    fc.assert(
      fc.property(fc.nat(right.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const wrong = Uint8Array.from(right);
        wrong[at] = (wrong[at] as number) ^ change;
        try {
          const facts = checkEvmTransaction(wrong, movement, 1n);
          // Only nonce and fees may be anything.
          expect(Buffer.from(wrong).includes(Buffer.from(base.data.slice(2), 'hex'))).toBe(true);
          expect(facts.maxFeeNative >= 0n).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(SignerRefusal);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('RLP', () => {
  // ethereum/tests, RLPTests/rlptest.json.
  test.each([
    ['80', new Uint8Array(0)],
    ['00', Uint8Array.of(0)],
    ['7f', Uint8Array.of(0x7f)],
    ['8180', Uint8Array.of(0x80)],
    ['83646f67', Buffer.from('dog')],
    ['c0', []],
    ['cc83646f6783676f6483636174', ['dog', 'god', 'cat'].map((word) => Buffer.from(word))],
    ['c7c0c1c0c3c0c1c0', [[], [[]], [[], [[]]]]],
    [
      'b8384c6f72656d20697073756d20646f6c6f722073697420616d65742c20636f6e7365637465747572206164697069736963696e6720656c6974',
      Buffer.from('Lorem ipsum dolor sit amet, consectetur adipisicing elit'),
    ],
  ])('%s', (encoded, item) => {
    expect(Buffer.from(encodeRlp(item)).toString('hex')).toBe(encoded);
    expect(Buffer.from(encodeRlp(decodeRlp(bytes(encoded)))).toString('hex')).toBe(encoded);
  });

  // ethereum/tests, RLPTests/invalidRLPTest.json: what has another, shorter form, or no end.
  test.each([
    '',
    '8100',
    '817f',
    'b800',
    'b90040',
    'b801ff',
    'bf0f000000000000021111',
    'f800',
    'c1',
    'c0c0',
    '8379',
    'f80180',
  ])('not %j', (encoded) => {
    expect(() => decodeRlp(bytes(encoded))).toThrow(RangeError);
  });
});

test('EIP-3009: the type hash is that of the EIP, the domain that of USDC, the digest that of viem', () => {
  // EIP-3009, RECEIVE_WITH_AUTHORIZATION_TYPEHASH.
  const type =
    'ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)';
  expect(keccak256(hexOf(Buffer.from(type)))).toBe(
    '0xd099cc98ef71107a616c4f0f941f04c322d8e254fe26b3c6668db87aae413de8',
  );
  const fields = [
    { name: 'from', type: 'address' },
    { name: 'to', type: 'address' },
    { name: 'value', type: 'uint256' },
    { name: 'validAfter', type: 'uint256' },
    { name: 'validBefore', type: 'uint256' },
    { name: 'nonce', type: 'bytes32' },
  ] as const;
  const nonce = Buffer.alloc(32, 9);
  const mine = authorizationDigest({
    name: 'USD Coin',
    version: '2',
    chainId: 1n,
    contract: usdc,
    from: alice,
    to: bob,
    amount: 5_000_000n,
    validAfter: 0n,
    validBefore: 1_900_000_000n,
    nonce,
  });
  expect(hexOf(mine)).toBe(
    hashTypedData({
      domain: { name: 'USD Coin', version: '2', chainId: 1, verifyingContract: usdc },
      types: { ReceiveWithAuthorization: fields },
      primaryType: 'ReceiveWithAuthorization',
      message: {
        from: alice,
        to: bob,
        value: 5_000_000n,
        validAfter: 0n,
        validBefore: 1_900_000_000n,
        nonce: hexOf(nonce),
      },
    }),
  );
});
