import fc from 'fast-check';
import { TronWeb, utils } from 'tronweb';
import { describe, expect, test } from 'vitest';
import { createDeriver } from '../../custody/derivation.ts';
import { seedFromMnemonic } from '../../custody/seed.ts';
import { toTronAddress } from '../addresses.ts';
import { SignerRefusal } from '../errors.ts';
import type { Movement } from '../signing.ts';
import {
  checkTronTransaction,
  encodeTronRaw,
  readTronEnvelope,
  signTronTransaction,
  type TronEnvelope,
  transferParameters,
  tronDigest,
} from './transaction.ts';

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));
const hexOf = (data: Uint8Array): string => Buffer.from(data).toString('hex');
const allAll = createDeriver(seedFromMnemonic('all all all all all all all all all all all all'));
const usdt = 'TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t';
const alice = 'TY72iA3SBtrds3QLYsS7LwYfkzXwAXCRWT';
const bob = 'TFz2CJn9CJb8C4i1Gke3jmZX2fRMJxniH2';

// trezor/trezor-firmware, common/tests/fixtures/tron/sign_tx.json, "all all …": key index, reference block, expiration,
// timestamp, amount in sun, raw data, id, signature.
const trezorVectors = [
  [
    0,
    ['e942', '6394747da9fee421', 1752562632000, 1752562572000],
    18_123_456n,
    '0a02e94222086394747da9fee42140c08afee680335a68080112640a2d747970652e676f6f676c65617069732e636f6d2f70726f746f636f6c2e5472616e73666572436f6e747261637412330a1541f2cd810c48c401d392ead3c6e1e1cb9f57750a5812154141f82674a30ae1328745d08afe2d1a0a2419528318c095d20870e0b5fae68033',
    '91813c4e057a4c881d9dc4981f041c33cffb17c41e860a53eb68e7995f5de821',
    'a7f8602b02413e9dded0170daa5b4ada9a2679198af276be456f4faea1bc326f5070789bec5e6471de3f726f4fe0c9daced8df183e4a62804db26d5650c59a521C',
  ],
  [
    1,
    ['e942', '6394747da9fee421', 1752562632000, 1752562572000],
    18_123_456n,
    '0a02e94222086394747da9fee42140c08afee680335a68080112640a2d747970652e676f6f676c65617069732e636f6d2f70726f746f636f6c2e5472616e73666572436f6e747261637412330a1541f2cd810c48c401d392ead3c6e1e1cb9f57750a5812154141f82674a30ae1328745d08afe2d1a0a2419528318c095d20870e0b5fae68033',
    '91813c4e057a4c881d9dc4981f041c33cffb17c41e860a53eb68e7995f5de821',
    '14d5eae24e33eb6af03998ea845f98e105e8a2d3206b12163b11702ed3479f41719f757c50e2d85ab6b41ff28ce9752a6bbb74158b8a1aaffb44a837466d93ba1B',
  ],
  [
    0,
    ['0fc4', '9643b084bc8b5cde', 1752568944000, 1752571244333],
    9_223_372_036_854_775_807n,
    '0a020fc422089643b084bc8b5cde4080abffe980335a6d080112690a2d747970652e676f6f676c65617069732e636f6d2f70726f746f636f6c2e5472616e73666572436f6e747261637412380a1541f2cd810c48c401d392ead3c6e1e1cb9f57750a5812154141f82674a30ae1328745d08afe2d1a0a2419528318ffffffffffffffff7f70adde8beb8033',
    undefined,
    '36db819a6c50b8c770ff1067a2753692fa8c8bfa7efde8ddfc2f891f7053d9955f6ffd0ee7d6217b448ac3515d97f6877159b721f2a78da78d1fcc10c1019dd51b',
  ],
] as const;

function envelopeOf(
  bytesHex: string,
  hashHex: string,
  expirationMs: number,
  timestampMs: number,
): TronEnvelope {
  return {
    refBlockBytes: bytes(bytesHex),
    refBlockHash: bytes(hashHex),
    expirationMs,
    timestampMs,
    feeLimitSun: 0n,
  };
}

describe('TRX transfers', () => {
  test.each(trezorVectors)(
    'Trezor vector, key %s',
    (index, [ref, hash, expires, at], amount, raw, id, signature) => {
      const movement = { contract: undefined, from: alice, to: bob, amount };
      const encoded = encodeTronRaw(envelopeOf(ref, hash, expires, at), movement);
      expect(hexOf(encoded)).toBe(raw);
      if (id !== undefined) expect(hexOf(tronDigest(encoded))).toBe(id);
      const signed = signTronTransaction(encoded, (digest) => allAll.sign('tron', index, digest));
      expect(hexOf(signed.transaction).slice(-130)).toBe(signature.toLowerCase());
      expect(checkTronTransaction(encoded, { ...movement, kind: 'native' }).nonce).toBeNull();
    },
  );
});

describe('TRC-20 transfers are those of TronWeb, byte for byte', () => {
  const account = fc
    .uint8Array({ minLength: 20, maxLength: 20 })
    .filter((found) => found.some((byte) => byte !== 0));
  const time = fc.integer({ min: 1_600_000_000_000, max: 2_100_000_000_000 });

  test('raw data, id and signature', () => {
    fc.assert(
      fc.property(
        fc.tuple(account, account, account),
        fc.tuple(
          fc.uint8Array({ minLength: 2, maxLength: 2 }),
          fc.uint8Array({ minLength: 8, maxLength: 8 }),
        ),
        fc.tuple(time, time, fc.bigInt(1n, 10n ** 15n), fc.integer({ min: 1, max: 1_000_000_000 })),
        (accounts, [refBlockBytes, refBlockHash], [expirationMs, timestampMs, amount, feeLimit]) => {
          const [from = '', to = '', contract = ''] = accounts.map(toTronAddress);
          const raw = encodeTronRaw(
            { refBlockBytes, refBlockHash, expirationMs, timestampMs, feeLimitSun: BigInt(feeLimit) },
            { contract, from, to, amount },
          );
          const transaction = {
            visible: false,
            raw_data: {
              ref_block_bytes: hexOf(refBlockBytes),
              ref_block_hash: hexOf(refBlockHash),
              expiration: expirationMs,
              timestamp: timestampMs,
              fee_limit: feeLimit,
              contract: [
                {
                  type: 'TriggerSmartContract',
                  parameter: {
                    type_url: 'type.googleapis.com/protocol.TriggerSmartContract',
                    value: {
                      owner_address: TronWeb.address.toHex(from),
                      contract_address: TronWeb.address.toHex(contract),
                      data: `a9059cbb${hexOf(transferParameters(to, amount))}`,
                    },
                  },
                },
              ],
            },
          };
          const theirs = utils.transaction.txJsonToPb(transaction as never);
          expect(hexOf(raw)).toBe(utils.transaction.txPbToRawDataHex(theirs).toLowerCase());
          expect(`0x${hexOf(tronDigest(raw))}`).toBe(utils.transaction.txPbToTxID(theirs));
          expect(readTronEnvelope(raw)).toEqual({
            refBlockBytes,
            refBlockHash,
            expirationMs,
            timestampMs,
            feeLimitSun: BigInt(feeLimit),
          });
          const key = Buffer.alloc(32, 3);
          const signature = utils.crypto.ECKeySign([...tronDigest(raw)], [...key]);
          const signed = signTronTransaction(raw, (digest) => {
            const theirSignature = bytes(utils.crypto.ECKeySign([...digest], [...key]));
            theirSignature[64] = (theirSignature[64] as number) - 27;
            return theirSignature;
          });
          expect(hexOf(signed.transaction).slice(-130)).toBe(signature.toLowerCase());
        },
      ),
      { numRuns: 100 },
    );
  });

  test('the call is what the ABI encoder of TronWeb gives', () => {
    const theirs = utils.abi.encodeParams(['address', 'uint256'], [TronWeb.address.toHex(bob), '123456789']);
    expect(`0x${hexOf(transferParameters(bob, 123_456_789n))}`).toBe(theirs);
  });
});

describe('what a transaction does is read from its bytes', () => {
  const envelope: TronEnvelope = {
    refBlockBytes: bytes('e942'),
    refBlockHash: bytes('6394747da9fee421'),
    expirationMs: 1_752_562_632_000,
    timestampMs: 1_752_562_572_000,
    feeLimitSun: 30_000_000n,
  };
  const movement: Movement = { kind: 'token', contract: usdt, from: alice, to: bob, amount: 5_000_000n };
  const raw = encodeTronRaw(envelope, movement);

  test('a transfer passes, with the most that it costs', () => {
    expect(checkTronTransaction(raw, movement)).toEqual({ maxFeeNative: 31_600_000n, nonce: null });
  });

  test.each([
    ['another amount', { amount: 5_000_001n }],
    ['another destination', { to: alice }],
    ['another sender', { from: bob }],
    ['another contract', { contract: bob }],
    ['TRX instead', { contract: undefined, kind: 'native' as const }],
  ])('%s is refused', (_, more) => {
    expect(() => checkTronTransaction(raw, { ...movement, ...more })).toThrow(SignerRefusal);
  });

  test('every other byte is refused, but for reference, times and fee limit', () => {
    fc.assert(
      fc.property(fc.nat(raw.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const wrong = Uint8Array.from(raw);
        wrong[at] = (wrong[at] as number) ^ change;
        try {
          checkTronTransaction(wrong, movement);
        } catch (error) {
          expect(error).toBeInstanceOf(SignerRefusal);
          return;
        }
        const contract = hexOf(raw).indexOf('5aae01');
        const isEnvelope = at < contract / 2 || at > raw.length - 13;
        expect({ at, isEnvelope }).toEqual({ at, isEnvelope: true });
      }),
      { numRuns: 500 },
    );
  });

  test('a field that nobody knows is refused', () => {
    const more = Uint8Array.from([...raw, 0x52, 0x01, 0x00]);
    expect(() => checkTronTransaction(more, movement)).toThrow(SignerRefusal);
  });
});
