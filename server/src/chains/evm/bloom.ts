import { keccak_256 } from '@noble/hashes/sha3.js';

/**
 * The bloom filter of a block header (Ethereum Yellow Paper 4.3.1): 2,048 bits, of which the address and each topic of every log of
 * the block sets three. Where one of its bits is not set, the block has no such log.
 */
export type Bloom = Uint8Array;

const bloomBytes = 256;
const rememberedItems = 4096;
const bitsByItem = new Map<string, readonly number[]>();

/** The bloom filter of logs. */
export function bloomOf(
  logs: Iterable<{ readonly address: string; readonly topics: readonly string[] }>,
): Bloom {
  const bloom = new Uint8Array(bloomBytes);
  for (const { address, topics } of logs) {
    for (const item of [address, ...topics]) {
      for (const bit of bitsOf(item)) {
        const at = byteOf(bit);
        bloom[at] = (bloom[at] ?? 0) | maskOf(bit);
      }
    }
  }
  return bloom;
}

/**
 * Whether a block may hold a log with an address or topic.
 *
 * @param item lower-case hexadecimal with 0x, of 20 or 32 bytes
 */
export function mayHold(bloom: Bloom, item: string): boolean {
  return bitsOf(item).every((bit) => ((bloom[byteOf(bit)] ?? 0) & maskOf(bit)) !== 0);
}

/** Whether every bit that is set in one bloom filter is set in another. */
export function isCovered(part: Bloom, whole: Bloom): boolean {
  return part.every((byte, at) => (byte & ~(whole[at] ?? 0)) === 0);
}

/** The three bits of an item: the lower eleven of each of the first three pairs of bytes of its Keccak-256 hash. */
function bitsOf(item: string): readonly number[] {
  const known = bitsByItem.get(item);
  if (known) return known;
  const hash = keccak_256(Buffer.from(item.slice(2), 'hex'));
  const bits = [0, 2, 4].map((at) => (((hash[at] ?? 0) << 8) | (hash[at + 1] ?? 0)) & 2047);
  if (bitsByItem.size >= rememberedItems) bitsByItem.clear();
  bitsByItem.set(item, bits);
  return bits;
}

const byteOf = (bit: number): number => bloomBytes - 1 - (bit >> 3);
const maskOf = (bit: number): number => 1 << (bit & 7);
