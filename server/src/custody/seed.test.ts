import { pbkdf2Sync } from 'node:crypto';
import { inspect } from 'node:util';
import { HDKey } from '@scure/bip32';
import { entropyToMnemonic, mnemonicToEntropy, mnemonicToSeedSync } from '@scure/bip39';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { describe, expect, test } from 'vitest';
import { createVault } from '../platform/seal.ts';
import { createSeed, openSeed, sealAbsence, sealSeed, seedFromMnemonic, seedFromWords } from './seed.ts';

const abandonAbout = `${'abandon '.repeat(11)}about`;
const abandonArt = `${'abandon '.repeat(23)}art`;

// trezor/python-mnemonic, vectors.json, english: entropy, mnemonic, seed under the passphrase "TREZOR", root key.
const trezorVectors = [
  [
    '00000000000000000000000000000000',
    abandonAbout,
    'c55257c360c07c72029aebc1b53c05ed0362ada38ead3e3e9efa3708e53495531f09a6987599d18264c1e1c92f2cf141630c7a3c4ab7c81b2f001698e7463b04',
    'xprv9s21ZrQH143K3h3fDYiay8mocZ3afhfULfb5GX8kCBdno77K4HiA15Tg23wpbeF1pLfs1c5SPmYHrEpTuuRhxMwvKDwqdKiGJS9XFKzUsAF',
  ],
  [
    '7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f',
    'legal winner thank year wave sausage worth useful legal winner thank yellow',
    '2e8905819b8723fe2c1d161860e5ee1830318dbf49a83bd451cfb8440c28bd6fa457fe1296106559a3c80937a1c1069be3a3a5bd381ee6260e8d9739fce1f607',
    'xprv9s21ZrQH143K2gA81bYFHqU68xz1cX2APaSq5tt6MFSLeXnCKV1RVUJt9FWNTbrrryem4ZckN8k4Ls1H6nwdvDTvnV7zEXs2HgPezuVccsq',
  ],
  [
    '0000000000000000000000000000000000000000000000000000000000000000',
    abandonArt,
    'bda85446c68413707090a52022edd26a1c9462295029f2e60cd7c4f2bbd3097170af7a4d73245cafa9c3cca8d561a7c3de6f5d4a10be8ed2a5e608d68f92fcc8',
    'xprv9s21ZrQH143K32qBagUJAMU2LsHg3ka7jqMcV98Y7gVeVyNStwYS3U7yVVoDZ4btbRNf4h6ibWpY22iRmXq35qgLs79f312g2kj5539ebPM',
  ],
  [
    'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
    `${'zoo '.repeat(23)}vote`,
    'dd48c104698c30cfe2b6142103248622fb7bb0ff692eebb00089b32d22484e1613912f0a5b694407be899ffd31ed3992c456cdf60f5d4564b8ba3f05a69890ad',
    'xprv9s21ZrQH143K2WFF16X85T2QCpndrGwx6GueB72Zf3AHwHJaknRXNF37ZmDrtHrrLSHvbuRejXcnYxoZKvRquTPyp2JiNG3XcjQyzSEgqCB',
  ],
  [
    '9f6a2878b2520799a44ef18bc7df394e7061a224d2c33cd015b157d746869863',
    'panda eyebrow bullet gorilla call smoke muffin taste mesh discover soft ostrich alcohol speed nation flash devote level hobby quick inner drive ghost inside',
    '72be8e052fc4919d2adf28d5306b5474b0069df35b02303de8c1729c9538dbb6fc2d731d5f832193cd9fb6aeecbc469594a70e3dd50811b5067f3b88b28c3e8d',
    'xprv9s21ZrQH143K2WNnKmssvZYM96VAr47iHUQUTUyUXH3sAGNjhJANddnhw3i3y3pBbRAVk5M5qUGFr4rHbEWwXgX4qrvrceifCYQJbbFDems',
  ],
  [
    '066dca1a2bb7e8a1db2832148ce9933eea0f3ac9548d793112d9a95c9407efad',
    'all hour make first leader extend hole alien behind guard gospel lava path output census museum junior mass reopen famous sing advance salt reform',
    '26e975ec644423f4a4c4f4215ef09b4bd7ef924e85d1d17c4cf3f136c2863cf6df0a475045652c57eb5fb41513ca2a2d67722b77e954b4b3fc11f7590449191d',
    'xprv9s21ZrQH143K3rEfqSM4QZRVmiMuSWY9wugscmaCjYja3SbUD3KPEB1a7QXJoajyR2T1SiXU7rFVRXMV9XdYVSZe7JoUXdP4SRHTxsT1nzm',
  ],
  [
    'f585c11aec520db57dd353c69554b21a89b20fb0650966fa0a9d6f74fd989d8f',
    'void come effort suffer camp survey warrior heavy shoot primary clutch crush open amazing screen patrol group space point ten exist slush involve unfold',
    '01f5bced59dec48e362f2c45b5de68b9fd6c92c6634f44d6d40aab69056506f0e35524a518034ddc1192e1dacd32c1ed3eaa3c3b131c88ed8e7e54c49a5d0998',
    'xprv9s21ZrQH143K39rnQJknpH1WEPFJrzmAqqasiDcVrNuk926oizzJDDQkdiTvNPr2FYDYzWgiMiC63YmfPAa2oPyNB23r2g7d1yiK6WpqaQS',
  ],
] as const;

// Without a passphrase: the seed of ebellocchia/bip_utils, tests/bip/bip44/test_bip44.py, and its 24-word counterpart,
// which several wallets publish in their tests. A test below computes both with OpenSSL besides.
const plainVectors = [
  [
    abandonAbout,
    '5eb00bbddcf069084889a8ab9155568165f5c453ccb85e70811aaed6f6da5fc19a5ac40b389cd370d086206dec8aa6c43daea6690f20ad3d8d48b2d2ce9e38e4',
  ],
  [
    abandonArt,
    '408b285c123836004f4b8842c89324c1f01382450c0d439af345ba7fc49acf705489c6fc77dbd4e3dc1dd8cc6bc9f043db8ada1e243c4a0eafb290d399480840',
  ],
] as const;

describe('BIP-39, as the library we build on does it', () => {
  test.each(trezorVectors)('Trezor vector %s', (entropy, mnemonic, seed, rootKey) => {
    expect(entropyToMnemonic(Buffer.from(entropy, 'hex'), wordlist)).toBe(mnemonic);
    const bytes = mnemonicToSeedSync(mnemonic, 'TREZOR');
    expect(Buffer.from(bytes).toString('hex')).toBe(seed);
    expect(HDKey.fromMasterSeed(bytes).privateExtendedKey).toBe(rootKey);
  });
});

describe('a seed', () => {
  test.each(plainVectors)('comes from its mnemonic: %s', (mnemonic, seed) => {
    expect(Buffer.from(seedFromMnemonic(mnemonic)).toString('hex')).toBe(seed);
    const pasted = `\n ${mnemonic.replaceAll(' ', '  \t')}\r\n`;
    expect(Buffer.from(seedFromMnemonic(pasted)).toString('hex')).toBe(seed);
  });

  test('is what OpenSSL makes of the words', () => {
    for (const mnemonic of [abandonAbout, abandonArt, createSeed(), createSeed()]) {
      // BIP-39, From mnemonic to seed.
      const seed = pbkdf2Sync(mnemonic, 'mnemonic', 2048, 64, 'sha512');
      expect(Buffer.from(seedFromMnemonic(mnemonic)).equals(seed)).toBe(true);
    }
  });

  test('is made from 256 new random bits', () => {
    const mnemonics = new Set(Array.from({ length: 50 }, createSeed));
    expect(mnemonics.size).toBe(50);
    for (const mnemonic of mnemonics) {
      expect(mnemonic.split(' ')).toHaveLength(24);
      expect(mnemonicToEntropy(mnemonic, wordlist)).toHaveLength(32);
    }
    expect(seedFromMnemonic(createSeed())).toHaveLength(64);
  });

  test.each([
    ['', 'no words'],
    ['abandon '.repeat(12), 'a wrong checksum'],
    [`${'abandon '.repeat(11)}zebra`, 'a wrong checksum'],
    [`${'abandon '.repeat(11)}aboot`, 'a word that is on no list'],
    [`${'abandon '.repeat(12)}about`, 'thirteen words'],
    [abandonAbout.toUpperCase(), 'capitals'],
  ])('is refused, without an echo: %j, %s', (mnemonic) => {
    const vault = createVault(new Uint8Array(32));
    for (const attempt of [() => seedFromMnemonic(mnemonic), () => sealSeed(vault, mnemonic)]) {
      const error = thrownBy(attempt);
      expect(error).toBeInstanceOf(Error);
      expect(inspect(error, { depth: null, showHidden: true })).not.toMatch(/abandon|zebra|aboot|ABANDON/);
    }
  });
});

describe('a sealed seed', () => {
  const vault = createVault(new Uint8Array(32).fill(7));

  test('opens again', () => {
    const mnemonic = createSeed();
    const sealed = sealSeed(vault, mnemonic);
    expect(sealed).not.toContain(mnemonic.split(' ')[0]);
    const opened = openSeed(vault, sealed);
    if (!('words' in opened)) throw new Error('no words');
    expect(opened.words.toString()).toBe(mnemonic);
    expect(seedFromWords(opened.words)).toEqual(Buffer.from(seedFromMnemonic(mnemonic)));
    expect(opened.words.every((byte) => byte === 0)).toBe(true);
    expect(openSeed(vault, sealAbsence(vault, '0xabc'))).toEqual({ treasury: '0xabc' });
  });

  test('does not open under another master key or for another purpose', () => {
    const sealed = sealSeed(vault, abandonArt);
    expect(() => openSeed(createVault(new Uint8Array(32).fill(8)), sealed)).toThrow();
    expect(() => openSeed(vault, vault.seal(abandonArt, 'customers.personal:1'))).toThrow();
    expect(() => vault.open(sealed, 'customers.personal:1')).toThrow();
  });
});

function thrownBy(attempt: () => unknown): unknown {
  try {
    attempt();
  } catch (error) {
    return error;
  }
  return undefined;
}
