import { randomBytes } from 'node:crypto';
import { base58 } from '@scure/base';
import { HDKey } from '@scure/bip32';
import fc from 'fast-check';
import { toHex } from 'viem';
import { mnemonicToAccount, privateKeyToAccount } from 'viem/accounts';
import { describe, expect, test } from 'vitest';
import { checkAddress } from '../chains/addresses.ts';
import { chainFamily, chains } from '../chains/registry.ts';
import { createDeriver, deriveAddress } from './derivation.ts';
import { createSeed, seedFromMnemonic } from './seed.ts';

const abandonAbout = `${'abandon '.repeat(11)}about`;
const allAll = 'all all all all all all all all all all all all';
const lastIndex = 2 ** 31 - 1;

// BIP-32, Test vectors 1 to 4: path, extended public key, extended private key.
const bip32Vectors = [
  {
    seed: '000102030405060708090a0b0c0d0e0f',
    steps: [
      [
        'm',
        'xpub661MyMwAqRbcFtXgS5sYJABqqG9YLmC4Q1Rdap9gSE8NqtwybGhePY2gZ29ESFjqJoCu1Rupje8YtGqsefD265TMg7usUDFdp6W1EGMcet8',
        'xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi',
      ],
      [
        "m/0'",
        'xpub68Gmy5EdvgibQVfPdqkBBCHxA5htiqg55crXYuXoQRKfDBFA1WEjWgP6LHhwBZeNK1VTsfTFUHCdrfp1bgwQ9xv5ski8PX9rL2dZXvgGDnw',
        'xprv9uHRZZhk6KAJC1avXpDAp4MDc3sQKNxDiPvvkX8Br5ngLNv1TxvUxt4cV1rGL5hj6KCesnDYUhd7oWgT11eZG7XnxHrnYeSvkzY7d2bhkJ7',
      ],
      [
        "m/0'/1",
        'xpub6ASuArnXKPbfEwhqN6e3mwBcDTgzisQN1wXN9BJcM47sSikHjJf3UFHKkNAWbWMiGj7Wf5uMash7SyYq527Hqck2AxYysAA7xmALppuCkwQ',
        'xprv9wTYmMFdV23N2TdNG573QoEsfRrWKQgWeibmLntzniatZvR9BmLnvSxqu53Kw1UmYPxLgboyZQaXwTCg8MSY3H2EU4pWcQDnRnrVA1xe8fs',
      ],
      [
        "m/0'/1/2'",
        'xpub6D4BDPcP2GT577Vvch3R8wDkScZWzQzMMUm3PWbmWvVJrZwQY4VUNgqFJPMM3No2dFDFGTsxxpG5uJh7n7epu4trkrX7x7DogT5Uv6fcLW5',
        'xprv9z4pot5VBttmtdRTWfWQmoH1taj2axGVzFqSb8C9xaxKymcFzXBDptWmT7FwuEzG3ryjH4ktypQSAewRiNMjANTtpgP4mLTj34bhnZX7UiM',
      ],
      [
        "m/0'/1/2'/2",
        'xpub6FHa3pjLCk84BayeJxFW2SP4XRrFd1JYnxeLeU8EqN3vDfZmbqBqaGJAyiLjTAwm6ZLRQUMv1ZACTj37sR62cfN7fe5JnJ7dh8zL4fiyLHV',
        'xprvA2JDeKCSNNZky6uBCviVfJSKyQ1mDYahRjijr5idH2WwLsEd4Hsb2Tyh8RfQMuPh7f7RtyzTtdrbdqqsunu5Mm3wDvUAKRHSC34sJ7in334',
      ],
      [
        "m/0'/1/2'/2/1000000000",
        'xpub6H1LXWLaKsWFhvm6RVpEL9P4KfRZSW7abD2ttkWP3SSQvnyA8FSVqNTEcYFgJS2UaFcxupHiYkro49S8yGasTvXEYBVPamhGW6cFJodrTHy',
        'xprvA41z7zogVVwxVSgdKUHDy1SKmdb533PjDz7J6N6mV6uS3ze1ai8FHa8kmHScGpWmj4WggLyQjgPie1rFSruoUihUZREPSL39UNdE3BBDu76',
      ],
    ],
  },
  {
    seed: 'fffcf9f6f3f0edeae7e4e1dedbd8d5d2cfccc9c6c3c0bdbab7b4b1aeaba8a5a29f9c999693908d8a8784817e7b7875726f6c696663605d5a5754514e4b484542',
    steps: [
      [
        'm',
        'xpub661MyMwAqRbcFW31YEwpkMuc5THy2PSt5bDMsktWQcFF8syAmRUapSCGu8ED9W6oDMSgv6Zz8idoc4a6mr8BDzTJY47LJhkJ8UB7WEGuduB',
        'xprv9s21ZrQH143K31xYSDQpPDxsXRTUcvj2iNHm5NUtrGiGG5e2DtALGdso3pGz6ssrdK4PFmM8NSpSBHNqPqm55Qn3LqFtT2emdEXVYsCzC2U',
      ],
      [
        'm/0',
        'xpub69H7F5d8KSRgmmdJg2KhpAK8SR3DjMwAdkxj3ZuxV27CprR9LgpeyGmXUbC6wb7ERfvrnKZjXoUmmDznezpbZb7ap6r1D3tgFxHmwMkQTPH',
        'xprv9vHkqa6EV4sPZHYqZznhT2NPtPCjKuDKGY38FBWLvgaDx45zo9WQRUT3dKYnjwih2yJD9mkrocEZXo1ex8G81dwSM1fwqWpWkeS3v86pgKt',
      ],
      [
        "m/0/2147483647'",
        'xpub6ASAVgeehLbnwdqV6UKMHVzgqAG8Gr6riv3Fxxpj8ksbH9ebxaEyBLZ85ySDhKiLDBrQSARLq1uNRts8RuJiHjaDMBU4Zn9h8LZNnBC5y4a',
        'xprv9wSp6B7kry3Vj9m1zSnLvN3xH8RdsPP1Mh7fAaR7aRLcQMKTR2vidYEeEg2mUCTAwCd6vnxVrcjfy2kRgVsFawNzmjuHc2YmYRmagcEPdU9',
      ],
      [
        "m/0/2147483647'/1",
        'xpub6DF8uhdarytz3FWdA8TvFSvvAh8dP3283MY7p2V4SeE2wyWmG5mg5EwVvmdMVCQcoNJxGoWaU9DCWh89LojfZ537wTfunKau47EL2dhHKon',
        'xprv9zFnWC6h2cLgpmSA46vutJzBcfJ8yaJGg8cX1e5StJh45BBciYTRXSd25UEPVuesF9yog62tGAQtHjXajPPdbRCHuWS6T8XA2ECKADdw4Ef',
      ],
      [
        "m/0/2147483647'/1/2147483646'",
        'xpub6ERApfZwUNrhLCkDtcHTcxd75RbzS1ed54G1LkBUHQVHQKqhMkhgbmJbZRkrgZw4koxb5JaHWkY4ALHY2grBGRjaDMzQLcgJvLJuZZvRcEL',
        'xprvA1RpRA33e1JQ7ifknakTFpgNXPmW2YvmhqLQYMmrj4xJXXWYpDPS3xz7iAxn8L39njGVyuoseXzU6rcxFLJ8HFsTjSyQbLYnMpCqE2VbFWc',
      ],
      [
        "m/0/2147483647'/1/2147483646'/2",
        'xpub6FnCn6nSzZAw5Tw7cgR9bi15UV96gLZhjDstkXXxvCLsUXBGXPdSnLFbdpq8p9HmGsApME5hQTZ3emM2rnY5agb9rXpVGyy3bdW6EEgAtqt',
        'xprvA2nrNbFZABcdryreWet9Ea4LvTJcGsqrMzxHx98MMrotbir7yrKCEXw7nadnHM8Dq38EGfSh6dqA9QWTyefMLEcBYJUuekgW4BYPJcr9E7j',
      ],
    ],
  },
  {
    seed: '4b381541583be4423346c643850da4b320e46a87ae3d2a4e6da11eba819cd4acba45d239319ac14f863b8d5ab5a0d0c64d2e8a1e7d1457df2e5a3c51c73235be',
    steps: [
      [
        'm',
        'xpub661MyMwAqRbcEZVB4dScxMAdx6d4nFc9nvyvH3v4gJL378CSRZiYmhRoP7mBy6gSPSCYk6SzXPTf3ND1cZAceL7SfJ1Z3GC8vBgp2epUt13',
        'xprv9s21ZrQH143K25QhxbucbDDuQ4naNntJRi4KUfWT7xo4EKsHt2QJDu7KXp1A3u7Bi1j8ph3EGsZ9Xvz9dGuVrtHHs7pXeTzjuxBrCmmhgC6',
      ],
      [
        "m/0'",
        'xpub68NZiKmJWnxxS6aaHmn81bvJeTESw724CRDs6HbuccFQN9Ku14VQrADWgqbhhTHBaohPX4CjNLf9fq9MYo6oDaPPLPxSb7gwQN3ih19Zm4Y',
        'xprv9uPDJpEQgRQfDcW7BkF7eTya6RPxXeJCqCJGHuCJ4GiRVLzkTXBAJMu2qaMWPrS7AANYqdq6vcBcBUdJCVVFceUvJFjaPdGZ2y9WACViL4L',
      ],
    ],
  },
  {
    seed: '3ddd5602285899a946114506157c7997e5444528f3003f6134712147db19b678',
    steps: [
      [
        'm',
        'xpub661MyMwAqRbcGczjuMoRm6dXaLDEhW1u34gKenbeYqAix21mdUKJyuyu5F1rzYGVxyL6tmgBUAEPrEz92mBXjByMRiJdba9wpnN37RLLAXa',
        'xprv9s21ZrQH143K48vGoLGRPxgo2JNkJ3J3fqkirQC2zVdk5Dgd5w14S7fRDyHH4dWNHUgkvsvNDCkvAwcSHNAQwhwgNMgZhLtQC63zxwhQmRv',
      ],
      [
        "m/0'",
        'xpub69AUMk3qDBi3uW1sXgjCmVjJ2G6WQoYSnNHyzkmdCHEhSZ4tBok37xfFEqHd2AddP56Tqp4o56AePAgCjYdvpW2PU2jbUPFKsav5ut6Ch1m',
        'xprv9vB7xEWwNp9kh1wQRfCCQMnZUEG21LpbR9NPCNN1dwhiZkjjeGRnaALmPXCX7SgjFTiCTT6bXes17boXtjq3xLpcDjzEuGLQBM5ohqkao9G',
      ],
      [
        "m/0'/1'",
        'xpub6BJA1jSqiukeaesWfxe6sNK9CCGaujFFSJLomWHprUL9DePQ4JDkM5d88n49sMGJxrhpjazuXYWdMf17C9T5XnxkopaeS7jGk1GyyVziaMt',
        'xprv9xJocDuwtYCMNAo3Zw76WENQeAS6WGXQ55RCy7tDJ8oALr4FWkuVoHJeHVAcAqiZLE7Je3vZJHxspZdFHfnBEjHqU5hG1Jaj32dVoS6XLT1',
      ],
    ],
  },
] as const;

const addressVectors = [
  {
    source: 'the accounts that Hardhat and Anvil print at their start',
    mnemonic: 'test test test test test test test test test test test junk',
    family: 'evm',
    addresses: [
      '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266',
      '0x70997970C51812dc3A010C7d01b50e0d17dc79C8',
      '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC',
      '0x90F79bf6EB2c4f870365E785982E1f101E93b906',
      '0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65',
      '0x9965507D1a55bcC2695C58ba16FB37d819B0A4dc',
    ],
  },
  {
    source: 'ebellocchia/bip_utils, tests/bip/bip44/test_bip44.py, default path of Ethereum',
    mnemonic: abandonAbout,
    family: 'evm',
    addresses: ['0x9858EfFD232B4033E47d90003D41EC34EcaEda94'],
  },
  {
    source: 'trezor/trezor-firmware, common/tests/fixtures/tron/get_address.json',
    mnemonic: allAll,
    family: 'tron',
    addresses: [
      'TY72iA3SBtrds3QLYsS7LwYfkzXwAXCRWT',
      'TFz2CJn9CJb8C4i1Gke3jmZX2fRMJxniH2',
      'TQSw9qVAigRwfgPdf7aW4wxbG9tFitexg2',
    ],
  },
  {
    source: 'ebellocchia/bip_utils, tests/bip/bip44/test_bip44.py, default path of Tron',
    mnemonic: abandonAbout,
    family: 'tron',
    addresses: ['TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdH'],
  },
  {
    source:
      'Solana cookbook, restore a keypair from a BIP-44 mnemonic (from-bip44.ts) and its printed output',
    mnemonic: 'neither lonely flavor argue grass remind eye tag avocado spot unusual intact',
    family: 'solana',
    addresses: [
      '5vftMkHL72JaJG6ExQfGAsT2uGVHpRR7oTNUPMs68Y2N',
      'GcXbfQ5yY3uxCyBNDPBbR5FjumHf89E7YHXuULfGDBBv',
      '7QPgyQwNLqnoSwHEuK8wKy2Y3Ani6EHoZRihTuWkwxbc',
      '5aE8UprEEWtpVskhxo3f8ETco2kVKiZT9SS3D5Lcg8s2',
      '5n6afo6LZmzH1J4R38ZCaNSwaztLjd48nWwToLQkCHxp',
      '2Gr1hWnbaqGXMghicSTHncqV7GVLLddNFJDC7YJoso8M',
      'BNMDY3tCyYbayMzBjZm8RW59unpDWcQRfVmWXCJhLb7D',
      '9CySTpi4iC85gMW6G4BMoYbNBsdyJrfseHoGmViLha63',
      'ApteF7PmUWS8Lzm6tJPkWgrxSFW5LwYGWCUJ2ByAec91',
      '6frdqXQAgJMyKwmZxkLYbdGjnYTvUceh6LNhkQt2siQp',
    ],
  },
  {
    source: 'trezor/trezor-firmware, common/tests/fixtures/solana/get_address.json',
    mnemonic: allAll,
    family: 'solana',
    addresses: [
      '14CCvQzQzHCVgZM3j9soPnXuJXh1RmCfwLVUcdfbZVBS',
      'CqPFGxxzrE2bgLGC98x9rYix7Nq17mh8L7pWseJt3c9N',
    ],
  },
] as const;

describe('BIP-32, as the library we build on does it', () => {
  test.each(bip32Vectors)('test vector with seed $seed', ({ seed, steps }) => {
    const master = HDKey.fromMasterSeed(Buffer.from(seed, 'hex'));
    for (const [path, publicKey, privateKey] of steps) {
      const node = master.derive(path);
      expect(node.publicExtendedKey, path).toBe(publicKey);
      expect(node.privateExtendedKey, path).toBe(privateKey);
    }
  });
});

describe('published addresses', () => {
  test.each(addressVectors)('$family: $source', ({ mnemonic, family, addresses }) => {
    const seed = seedFromMnemonic(mnemonic);
    const deriver = createDeriver(seed);
    for (const [index, address] of addresses.entries()) {
      expect(deriver.address(family, index)).toBe(address);
      expect(deriveAddress(seed, family, index)).toBe(address);
    }
  });
});

describe('random seeds', () => {
  const indexes = [0, 1, 2, 1000, lastIndex];

  test('give the EVM addresses that viem gives', () => {
    for (let round = 0; round < 5; round += 1) {
      const mnemonic = createSeed();
      const deriver = createDeriver(seedFromMnemonic(mnemonic));
      for (const index of indexes) {
        const account = mnemonicToAccount(mnemonic, { addressIndex: index });
        expect(deriver.address('evm', index)).toBe(account.address);
      }
    }
  });

  test('give the Tron addresses of the accounts that viem gives', () => {
    for (let round = 0; round < 5; round += 1) {
      const seed = randomBytes(64);
      const deriver = createDeriver(seed);
      for (const index of indexes) {
        const key = HDKey.fromMasterSeed(seed).derive(`m/44'/195'/0'/0/${index}`).privateKey;
        if (!key) throw new Error('no key');
        // 25 bytes: 0x41, the account, four bytes of checksum.
        const account = toHex(base58.decode(deriver.address('tron', index)).subarray(1, 21));
        expect(account).toBe(privateKeyToAccount(toHex(key)).address.toLowerCase());
      }
    }
  });

  test('give addresses that pass the check of their chain', () => {
    const seeds = fc.uint8Array({ minLength: 64, maxLength: 64 });
    fc.assert(
      fc.property(seeds, fc.nat(lastIndex), (seed, index) => {
        const deriver = createDeriver(seed);
        for (const chain of chains) {
          const address = deriver.address(chainFamily(chain), index);
          expect(checkAddress(chain, address)).toEqual({ ok: true, address });
        }
      }),
      { numRuns: 30 },
    );
  });

  test('give every index and every family an address of its own', () => {
    const deriver = createDeriver(randomBytes(64));
    const spread = fc.uniqueArray(fc.nat(lastIndex), { minLength: 2, maxLength: 20 });
    fc.assert(
      fc.property(spread, (indexes) => {
        for (const family of ['evm', 'tron', 'solana'] as const) {
          const addresses = indexes.map((index) => deriver.address(family, index));
          expect(new Set(addresses).size).toBe(indexes.length);
        }
      }),
      { numRuns: 20 },
    );
    const evm = Buffer.from(deriver.address('evm', 0).slice(2), 'hex');
    const tron = Buffer.from(base58.decode(deriver.address('tron', 0)).subarray(1, 21));
    expect(tron.equals(evm)).toBe(false);
  });
});

describe('bounds', () => {
  test.each([-1, 0.5, 2 ** 31, 2 ** 32, Number.NaN, Number.POSITIVE_INFINITY])(
    'index %s is refused',
    (index) => {
      const seed = randomBytes(64);
      const deriver = createDeriver(seed);
      for (const family of ['evm', 'tron', 'solana'] as const) {
        expect(() => deriver.address(family, index)).toThrow(RangeError);
        expect(() => deriveAddress(seed, family, index)).toThrow(RangeError);
      }
    },
  );

  test.each([0, 16, 32, 63, 65])('a seed of %s bytes is refused', (length) => {
    expect(() => createDeriver(new Uint8Array(length))).toThrow(RangeError);
    expect(() => deriveAddress(new Uint8Array(length), 'evm', 0)).toThrow(RangeError);
  });
});
