/** A decoded RLP item: a byte string or a list (Ethereum yellow paper, appendix B). */
export type RlpItem = Uint8Array | readonly RlpItem[];

const maxDepth = 4;

/**
 * Encodes an item.
 *
 * @param item bytes, or a list of items
 */
export function encodeRlp(item: RlpItem): Uint8Array {
  if (item instanceof Uint8Array) {
    const [first = 0] = item;
    return item.length === 1 && first < 0x80 ? Uint8Array.of(first) : withPrefix(0x80, item);
  }
  return withPrefix(0xc0, Buffer.concat(item.map(encodeRlp)));
}

/**
 * Decodes one item that spans all the bytes. Accepts the canonical encoding only.
 *
 * @throws RangeError if the bytes are not the canonical encoding of one item
 */
export function decodeRlp(bytes: Uint8Array): RlpItem {
  const { item, end } = decodeAt(bytes, 0, 0);
  expectRlp(end === bytes.length);
  return item;
}

/** Encodes an integer as RLP byte string: big-endian without leading zeros; zero is the empty string. */
export function rlpNumber(value: bigint): Uint8Array {
  if (value === 0n) return new Uint8Array(0);
  const digits = value.toString(16);
  return Uint8Array.from(Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, 'hex'));
}

function withPrefix(base: number, body: Uint8Array): Uint8Array {
  if (body.length <= 55) return Buffer.concat([Uint8Array.of(base + body.length), body]);
  const length = rlpNumber(BigInt(body.length));
  return Buffer.concat([Uint8Array.of(base + 55 + length.length), length, body]);
}

function decodeAt(bytes: Uint8Array, at: number, depth: number): { item: RlpItem; end: number } {
  const first = bytes[at];
  expectRlp(first !== undefined && depth <= maxDepth);
  if (first < 0x80) return { item: bytes.subarray(at, at + 1), end: at + 1 };
  const isList = first >= 0xc0;
  const { end, start } = bodyAt(bytes, at, first - (isList ? 0xc0 : 0x80));
  if (!isList) {
    expectRlp(end - start !== 1 || (bytes[start] as number) >= 0x80);
    return { item: bytes.subarray(start, end), end };
  }
  const items: RlpItem[] = [];
  for (let next = start; next < end; ) {
    const inner = decodeAt(bytes.subarray(0, end), next, depth + 1);
    items.push(inner.item);
    next = inner.end;
  }
  return { item: items, end };
}

function bodyAt(bytes: Uint8Array, at: number, code: number): { start: number; end: number } {
  if (code <= 55) return bounded(bytes, at + 1, code);
  const lengthBytes = bytes.subarray(at + 1, at + 1 + code - 55);
  expectRlp(lengthBytes.length === code - 55 && lengthBytes.length <= 4 && lengthBytes[0] !== 0);
  const length = lengthBytes.reduce((sum, byte) => sum * 256 + byte, 0);
  expectRlp(length > 55);
  return bounded(bytes, at + 1 + lengthBytes.length, length);
}

function bounded(bytes: Uint8Array, start: number, length: number): { start: number; end: number } {
  expectRlp(start + length <= bytes.length);
  return { start, end: start + length };
}

function expectRlp(condition: boolean): asserts condition {
  if (!condition) throw new RangeError('The bytes are not canonical RLP');
}
