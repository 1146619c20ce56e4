import { secp256k1 } from '@noble/curves/secp256k1.js';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { HDKey } from '@scure/bip32';
import { toChecksumAddress, toSolanaAddress, toTronAddress } from '../chains/addresses.ts';
import type { ChainFamily } from '../chains/registry.ts';
import { slip10Child, slip10Master, slip10PublicKey } from './slip10.ts';

/** Derives the addresses of one seed; fast for many indexes, since it keeps the nodes above them. */
export interface Deriver {
  /**
   * @param index which wallet, 0..2^31-1
   * @throws RangeError when the index is no such number
   */
  address(family: ChainFamily, index: number): string;
}

type AddressAt = (index: number) => string;

const seedBytes = 64;
const indexLimit = 2 ** 31;

/** One builder per family: from the seed to the parent node, once, and from there to the addresses below. */
const families: Readonly<Record<ChainFamily, (seed: Uint8Array) => AddressAt>> = {
  // BIP-44: m / 44' / coin' / account' / change / index, with the coins of SLIP-0044.
  evm: (seed) => secp256k1Addresses(seed, "m/44'/60'/0'/0", toChecksumAddress),
  tron: (seed) => secp256k1Addresses(seed, "m/44'/195'/0'/0", toTronAddress),
  solana: solanaAddresses,
};

/**
 * Makes a deriver. The seed itself is not kept: the caller may wipe it.
 *
 * @param seed the 64 bytes of a BIP-39 seed
 * @throws RangeError when the seed has another length
 */
export function createDeriver(seed: Uint8Array): Deriver {
  expectSeed(seed);
  const at = { evm: families.evm(seed), tron: families.tron(seed), solana: families.solana(seed) };
  return {
    address(family, index) {
      expectIndex(index);
      return at[family](index);
    },
  };
}

/**
 * Derives one address: EVM `m/44'/60'/0'/0/i`, Tron `m/44'/195'/0'/0/i`, Solana `m/44'/501'/i'/0'`.
 *
 * @param seed the 64 bytes of a BIP-39 seed
 * @param index which wallet, 0..2^31-1
 * @throws RangeError when the seed has another length or the index is no such number
 */
export function deriveAddress(seed: Uint8Array, family: ChainFamily, index: number): string {
  expectSeed(seed);
  expectIndex(index);
  return families[family](seed)(index);
}

function secp256k1Addresses(
  seed: Uint8Array,
  path: string,
  write: (account: Uint8Array) => string,
): AddressAt {
  const master = HDKey.fromMasterSeed(seed);
  const parent = master.derive(path);
  master.wipePrivateData();
  return (index) => {
    const compressed = parent.deriveChild(index).publicKey;
    if (!compressed) throw new Error('A derived node has no public key');
    return write(accountOf(compressed));
  };
}

/** The last 20 bytes of Keccak-256 over the public key's coordinates (Ethereum yellow paper, appendix F). */
function accountOf(compressedKey: Uint8Array): Uint8Array {
  const uncompressed = secp256k1.Point.fromBytes(compressedKey).toBytes(false);
  return keccak_256(uncompressed.subarray(1)).subarray(12);
}

/** Solana wallets count accounts, and every step of an ed25519 path is hardened: m/44'/501'/index'/0'. */
function solanaAddresses(seed: Uint8Array): AddressAt {
  const parent = slip10Child(slip10Child(slip10Master(seed), 44), 501);
  return (index) => toSolanaAddress(slip10PublicKey(slip10Child(slip10Child(parent, index), 0)));
}

function expectSeed(seed: Uint8Array): void {
  if (seed.length !== seedBytes) throw new RangeError('A BIP-39 seed has 64 bytes');
}

function expectIndex(index: number): void {
  if (!Number.isInteger(index) || index < 0 || index >= indexLimit) {
    throw new RangeError('A derivation index is an integer from 0 to 2147483647');
  }
}
