import { ed25519 } from '@noble/curves/ed25519.js';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { HDKey } from '@scure/bip32';
import { toChecksumAddress, toSolanaAddress, toTronAddress } from '../chains/addresses.ts';
import type { ChainFamily } from '../chains/registry.ts';
import { assert } from '../platform/errors.ts';
import { slip10Child, slip10Master, slip10PublicKey } from './slip10.ts';

/** The owner of a key: the treasury, which pays out, or the index of a wallet, 0 to 2^31 − 1, which receives deposits. */
export type KeyOwner = 'treasury' | number;

/** Derives the keys of one seed. Keeps the parent nodes, so that many indexes are derived quickly. */
export interface Deriver {
  /** Derives an address in the registry's form. @throws RangeError if the owner is invalid */
  address(family: ChainFamily, owner: KeyOwner): string;
  /**
   * Signs with the owner's key, and wipes the key afterwards. EVM and Tron: a 32-byte digest, ECDSA with low s (RFC 6979), 65 bytes
   * `r s v` with v 0 or 1. Solana: a message of any length, Ed25519, 64 bytes.
   *
   * @throws RangeError if the owner is invalid
   */
  sign(family: ChainFamily, owner: KeyOwner, payload: Uint8Array): Uint8Array;
}

/** The keys of one family. `privateKey` returns a copy, which its caller wipes. */
interface KeyTree {
  address(owner: KeyOwner): string;
  privateKey(owner: KeyOwner): Uint8Array;
}

const seedBytes = 64;
const indexLimit = 2 ** 31;

/** Builds the key tree of each family: from the seed to the parent nodes once, and from there to each key. */
const families: Readonly<Record<ChainFamily, (seed: Uint8Array) => KeyTree>> = {
  // BIP-44: m / 44' / coin' / account' / change / index, with the coins of SLIP-0044.
  evm: (seed) => secp256k1Tree(seed, 60, toChecksumAddress),
  tron: (seed) => secp256k1Tree(seed, 195, toTronAddress),
  solana: solanaTree,
};

/**
 * Creates a deriver. It does not keep the seed: the caller may wipe it.
 *
 * @param seed the 64 bytes of a BIP-39 seed
 * @throws RangeError if the seed has another length
 */
export function createDeriver(seed: Uint8Array): Deriver {
  requireSeedLength(seed);
  const trees = { evm: families.evm(seed), tron: families.tron(seed), solana: families.solana(seed) };
  return {
    address(family, owner) {
      requireOwner(owner);
      return trees[family].address(owner);
    },
    sign(family, owner, payload) {
      requireOwner(owner);
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
 * Derives one address: EVM `m/44'/60'/0'/0/i`, Tron `m/44'/195'/0'/0/i`, Solana `m/44'/501'/i'/0'`. The treasury's paths are
 * `m/44'/60'/1'/0/0`, `m/44'/195'/1'/0/0` and `m/44'/501'/0'/1'`, which no wallet has.
 *
 * @param seed the 64 bytes of a BIP-39 seed
 * @throws RangeError if the seed has another length or the owner is invalid
 */
export function deriveAddress(seed: Uint8Array, family: ChainFamily, owner: KeyOwner): string {
  requireSeedLength(seed);
  requireOwner(owner);
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
      assert(compressed, 'a derived node must have a public key');
      return write(accountOf(compressed));
    },
    privateKey(owner) {
      const node = nodeOf(owner);
      assert(node.privateKey, 'a node derived from a private node must have a private key');
      const key = Uint8Array.from(node.privateKey);
      node.wipePrivateData();
      return key;
    },
  };
}

function signDigest(digest: Uint8Array, key: Uint8Array): Uint8Array {
  if (digest.length !== 32) throw new RangeError('A digest must have 32 bytes');
  const recovered = secp256k1.sign(digest, key, { prehash: false, lowS: true, format: 'recovered' });
  return Uint8Array.of(...recovered.subarray(1), recovered[0] ?? 0);
}

/** The last 20 bytes of the Keccak-256 hash of the public key's coordinates (Ethereum yellow paper, appendix F). */
function accountOf(compressedKey: Uint8Array): Uint8Array {
  const uncompressed = secp256k1.Point.fromBytes(compressedKey).toBytes(false);
  return keccak_256(uncompressed.subarray(1)).subarray(12);
}

/** Solana wallets increment the account, and every step of an ed25519 path is hardened: m/44'/501'/index'/0'. */
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

function requireSeedLength(seed: Uint8Array): void {
  if (seed.length !== seedBytes) throw new RangeError('A BIP-39 seed must have 64 bytes');
}

function requireOwner(owner: KeyOwner): void {
  if (owner === 'treasury') return;
  if (!Number.isInteger(owner) || owner < 0 || owner >= indexLimit) {
    throw new RangeError('A derivation index must be an integer from 0 to 2147483647');
  }
}
