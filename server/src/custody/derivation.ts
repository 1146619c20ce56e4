import { ed25519 } from '@noble/curves/ed25519.js';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { HDKey } from '@scure/bip32';
import { toChecksumAddress, toSolanaAddress, toTronAddress } from '../chains/addresses.ts';
import type { ChainFamily } from '../chains/registry.ts';
import { assert } from '../platform/errors.ts';
import { slip10Child, slip10Master, slip10PublicKey } from './slip10.ts';

/** Whose key: the treasury's, which pays out, or that of the wallet with this index, 0..2^31-1, which takes deposits. */
export type KeyOwner = 'treasury' | number;

/** Derives the keys of one seed; fast for many indexes, since it keeps the nodes above them. */
export interface Deriver {
  /** @throws RangeError when the owner is none */
  address(family: ChainFamily, owner: KeyOwner): string;
  /**
   * Signs with the owner's key: EVM and Tron a digest of 32 bytes, ECDSA with a low s (RFC 6979), 65 bytes `r s v` with v
   * 0 or 1; Solana a message of any length, Ed25519, 64 bytes. The key is wiped afterwards.
   *
   * @throws RangeError when the owner is none
   */
  sign(family: ChainFamily, owner: KeyOwner, payload: Uint8Array): Uint8Array;
}

/** The keys of one family. What `privateKey` gives is a copy that its caller wipes. */
interface KeyTree {
  address(owner: KeyOwner): string;
  privateKey(owner: KeyOwner): Uint8Array;
}

const seedBytes = 64;
const indexLimit = 2 ** 31;

/** One builder per family: from the seed to the parent node, once, and from there to the keys below. */
const families: Readonly<Record<ChainFamily, (seed: Uint8Array) => KeyTree>> = {
  // BIP-44: m / 44' / coin' / account' / change / index, with the coins of SLIP-0044.
  evm: (seed) => secp256k1Tree(seed, 60, toChecksumAddress),
  tron: (seed) => secp256k1Tree(seed, 195, toTronAddress),
  solana: solanaTree,
};

/**
 * Makes a deriver. The seed itself is not kept: the caller may wipe it.
 *
 * @param seed the 64 bytes of a BIP-39 seed
 * @throws RangeError when the seed has another length
 */
export function createDeriver(seed: Uint8Array): Deriver {
  expectSeed(seed);
  const trees = { evm: families.evm(seed), tron: families.tron(seed), solana: families.solana(seed) };
  return {
    address(family, owner) {
      expectOwner(owner);
      return trees[family].address(owner);
    },
    sign(family, owner, payload) {
      expectOwner(owner);
      const key = trees[family].privateKey(owner);
      try {
        return family === 'solana' ? ed25519.sign(payload, key) : signDigest(payload, key);
      } finally {
        key.fill(0);
      }
    },
  };
}

/**
 * Derives one address: EVM `m/44'/60'/0'/0/i`, Tron `m/44'/195'/0'/0/i`, Solana `m/44'/501'/i'/0'`. The treasury has
 * paths that no wallet has: `m/44'/60'/1'/0/0`, `m/44'/195'/1'/0/0`, `m/44'/501'/0'/1'`.
 *
 * @param seed the 64 bytes of a BIP-39 seed
 * @throws RangeError when the seed has another length or the owner is none
 */
export function deriveAddress(seed: Uint8Array, family: ChainFamily, owner: KeyOwner): string {
  expectSeed(seed);
  expectOwner(owner);
  return families[family](seed).address(owner);
}

function secp256k1Tree(seed: Uint8Array, coin: number, write: (account: Uint8Array) => string): KeyTree {
  const master = HDKey.fromMasterSeed(seed);
  const wallets = master.derive(`m/44'/${coin}'/0'/0`);
  const treasuries = master.derive(`m/44'/${coin}'/1'/0`);
  master.wipePrivateData();
  const nodeOf = (owner: KeyOwner): HDKey =>
    owner === 'treasury' ? treasuries.deriveChild(0) : wallets.deriveChild(owner);
  return {
    address(owner) {
      const node = nodeOf(owner);
      const compressed = node.publicKey;
      node.wipePrivateData();
      assert(compressed, 'a derived node has a public key');
      return write(accountOf(compressed));
    },
    privateKey(owner) {
      const node = nodeOf(owner);
      assert(node.privateKey, 'a node derived from a private one has a private key');
      const key = Uint8Array.from(node.privateKey);
      node.wipePrivateData();
      return key;
    },
  };
}

function signDigest(digest: Uint8Array, key: Uint8Array): Uint8Array {
  if (digest.length !== 32) throw new RangeError('A digest has 32 bytes');
  const recovered = secp256k1.sign(digest, key, { prehash: false, lowS: true, format: 'recovered' });
  return Uint8Array.of(...recovered.subarray(1), recovered[0] ?? 0);
}

/** The last 20 bytes of Keccak-256 over the public key's coordinates (Ethereum yellow paper, appendix F). */
function accountOf(compressedKey: Uint8Array): Uint8Array {
  const uncompressed = secp256k1.Point.fromBytes(compressedKey).toBytes(false);
  return keccak_256(uncompressed.subarray(1)).subarray(12);
}

/** Solana wallets count accounts, and every step of an ed25519 path is hardened: m/44'/501'/index'/0'. */
function solanaTree(seed: Uint8Array): KeyTree {
  const parent = slip10Child(slip10Child(slip10Master(seed), 44), 501);
  const nodeOf = (owner: KeyOwner) =>
    owner === 'treasury'
      ? slip10Child(slip10Child(parent, 0), 1)
      : slip10Child(slip10Child(parent, owner), 0);
  return {
    address(owner) {
      const node = nodeOf(owner);
      const address = toSolanaAddress(slip10PublicKey(node));
      node.key.fill(0);
      return address;
    },
    privateKey: (owner) => nodeOf(owner).key,
  };
}

function expectSeed(seed: Uint8Array): void {
  if (seed.length !== seedBytes) throw new RangeError('A BIP-39 seed has 64 bytes');
}

function expectOwner(owner: KeyOwner): void {
  if (owner === 'treasury') return;
  if (!Number.isInteger(owner) || owner < 0 || owner >= indexLimit) {
    throw new RangeError('A derivation index is an integer from 0 to 2147483647');
  }
}
