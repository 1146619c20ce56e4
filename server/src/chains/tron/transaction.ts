import { sha256 } from '@noble/hashes/sha2.js';
import { createBase58check } from '@scure/base';
import {
  type BlockReference,
  type Movement,
  requireSame,
  type SignedTransaction,
  type TransactionFacts,
  type Validity,
} from '../signing.ts';

/** The fields of a Tron transaction other than its contract. */
export interface TronEnvelope {
  /** Bytes 6 and 7 of a recent block's number (TaPoS). */
  readonly refBlockBytes: Uint8Array;
  /** Bytes 8 to 15 of that block's id. */
  readonly refBlockHash: Uint8Array;
  readonly expirationMs: number;
  readonly timestampMs: number;
  /** The maximum cost of a contract call's energy, in sun; 0 if no contract is called. */
  readonly feeLimitSun: bigint;
}

/** How a transaction refers to a block (TaPoS). @param id 64 hexadecimal digits, of which the first 16 are the height */
export function blockReferenceOf({ height, id }: Pick<BlockReference, 'height' | 'id'>): {
  readonly refBlockBytes: Buffer;
  readonly refBlockHash: Buffer;
} {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(height));
  return { refBlockBytes: bytes.subarray(6), refBlockHash: Buffer.from(id, 'hex').subarray(8, 16) };
}

/** A transfer of a TRC-20 token, or of TRX if `contract` is undefined. Addresses start with T. */
export interface TronMovement {
  readonly contract: string | undefined;
  readonly from: string;
  readonly to: string;
  readonly amount: bigint;
}

const base58check = createBase58check(sha256);
const selector = Buffer.from('a9059cbb', 'hex');
/** Numbers of `Transaction.Contract.ContractType` (java-tron, protocol/src/main/protos/core/Tron.proto). */
const contractTypes = { TransferContract: 1, TriggerSmartContract: 31 } as const;
const typeUrl = 'type.googleapis.com/protocol.';

/**
 * Encodes `Transaction.raw` of a transfer, with the fields in the order of their numbers, as java-tron and TronWeb do.
 *
 * @throws Error if an address is invalid
 */
export function encodeTronRaw(envelope: TronEnvelope, movement: TronMovement): Uint8Array {
  const name = movement.contract === undefined ? 'TransferContract' : 'TriggerSmartContract';
  const parameter = concat(
    bytesField(1, Buffer.from(typeUrl + name)),
    bytesField(2, name === 'TransferContract' ? transferContract(movement) : triggerContract(movement)),
  );
  return concat(
    bytesField(1, envelope.refBlockBytes),
    bytesField(4, envelope.refBlockHash),
    numberField(8, BigInt(envelope.expirationMs)),
    bytesField(11, concat(numberField(1, BigInt(contractTypes[name])), bytesField(2, parameter))),
    numberField(14, BigInt(envelope.timestampMs)),
    numberField(18, envelope.feeLimitSun),
  );
}

/** The SHA-256 hash of raw data, 32 bytes: the transaction's id and the digest that is signed. */
export function tronDigest(raw: Uint8Array): Uint8Array {
  return sha256(raw);
}

/** Encodes `Transaction`: raw data and one 65-byte signature. */
export function encodeTronTransaction(raw: Uint8Array, signature: Uint8Array): Uint8Array {
  return concat(bytesField(1, raw), bytesField(2, signature));
}

/**
 * Decodes the fields of raw data other than the contract.
 *
 * @throws RangeError if the bytes are not such a message
 */
export function readTronEnvelope(raw: Uint8Array): TronEnvelope {
  const fields = readFields(raw);
  const bytes = (field: number): Uint8Array => {
    const value = fields.get(field);
    if (!(value instanceof Uint8Array)) throw new RangeError(`Field ${field} is missing`);
    return value;
  };
  const number = (field: number): bigint => {
    const value = fields.get(field) ?? 0n;
    if (typeof value !== 'bigint') throw new RangeError(`Field ${field} must be a number`);
    return value;
  };
  return {
    refBlockBytes: bytes(1),
    refBlockHash: bytes(4),
    expirationMs: Number(number(8)),
    timestampMs: Number(number(14)),
    feeLimitSun: number(18),
  };
}

/** The maximum cost of a transfer's bandwidth, in sun: 1,000 sun per byte, and no transfer has 500 bytes. */
const maxBandwidthSun = 500_000n;
/** The cost of sending TRX to an account that does not exist, in sun: 1 TRX, and 0.1 TRX for its bandwidth. */
const newAccountSun = 1_100_000n;

/**
 * Checks that raw data is the expected transfer. Encodes the transfer with the block reference, times and fee limit of the bytes,
 * and compares.
 *
 * @throws SignerRefusal `meaning_differs`
 */
export function checkTronTransaction(unsigned: Uint8Array, expected: Movement): TransactionFacts {
  requireSame(expected.kind !== 'authorised', 'Tron has no authorizations');
  let envelope: TronEnvelope;
  try {
    envelope = readTronEnvelope(unsigned);
  } catch {
    requireSame(false, 'this is not raw data of a transaction');
  }
  requireSame(
    Buffer.from(encodeTronRaw(envelope, expected)).equals(unsigned),
    'this is not the expected transfer',
  );
  return { maxFeeNative: envelope.feeLimitSun + maxBandwidthSun + newAccountSun, nonce: null };
}

/**
 * Which blocks can contain checked raw data.
 *
 * @param block the block that the bytes refer to
 * @throws SignerRefusal `meaning_differs` if they refer to another one
 */
export function tronValidity(unsigned: Uint8Array, block: BlockReference): Validity {
  const { expirationMs: endsAtMs, refBlockBytes, refBlockHash } = readTronEnvelope(unsigned);
  const expected = blockReferenceOf(block);
  requireSame(expected.refBlockBytes.equals(refBlockBytes), 'the height of its block');
  requireSame(expected.refBlockHash.equals(refBlockHash), 'the id of its block');
  // A block contains only transactions that expire after its parent.
  return { from: block.timeMs, until: endsAtMs - 1, endsAtMs };
}

/** Signs checked raw data. The recovery id is written as 27 or 28, as TronWeb does. */
export function signTronTransaction(
  unsigned: Uint8Array,
  sign: (digest: Uint8Array) => Uint8Array,
): SignedTransaction {
  const digest = tronDigest(unsigned);
  const signature = sign(digest);
  signature[64] = (signature[64] as number) + 27;
  return {
    transaction: encodeTronTransaction(unsigned, signature),
    id: Buffer.from(digest).toString('hex'),
  };
}

/** Decodes an address that starts with T to its 21 bytes. */
export function tronAddressBytes(address: string): Uint8Array {
  return base58check.decode(address);
}

/** The parameters of `transfer(address,uint256)` (TRC-20), without the selector. */
export function transferParameters(to: string, amount: bigint): Uint8Array {
  return concat(new Uint8Array(12), tronAddressBytes(to).subarray(1), word(amount));
}

/** The call data of `transfer(address,uint256)`. */
export function transferCall(to: string, amount: bigint): Uint8Array {
  return concat(selector, transferParameters(to, amount));
}

function transferContract({ amount, from, to }: TronMovement): Uint8Array {
  return concat(
    bytesField(1, tronAddressBytes(from)),
    bytesField(2, tronAddressBytes(to)),
    numberField(3, amount),
  );
}

function triggerContract({ amount, contract = '', from, to }: TronMovement): Uint8Array {
  return concat(
    bytesField(1, tronAddressBytes(from)),
    bytesField(2, tronAddressBytes(contract)),
    bytesField(4, transferCall(to, amount)),
  );
}

function word(value: bigint): Uint8Array {
  return Buffer.from(value.toString(16).padStart(64, '0'), 'hex');
}

/** Wire type 2, length-delimited (Protocol Buffers, Encoding). */
function bytesField(field: number, bytes: Uint8Array): Uint8Array {
  return concat(varint(BigInt(field * 8 + 2)), varint(BigInt(bytes.length)), bytes);
}

/** Wire type 0. Zero is the default and is omitted (proto3). */
function numberField(field: number, value: bigint): Uint8Array {
  return value === 0n ? new Uint8Array(0) : concat(varint(BigInt(field * 8)), varint(value));
}

function varint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}

function readFields(message: Uint8Array): Map<number, bigint | Uint8Array> {
  const fields = new Map<number, bigint | Uint8Array>();
  let at = 0;
  const readVarint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 64n; shift += 7n) {
      const byte = message[at];
      if (byte === undefined) break;
      at += 1;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError('A varint must end within the message');
  };
  while (at < message.length) {
    const key = Number(readVarint());
    const field = key >> 3;
    if (fields.has(field)) throw new RangeError('A field must not be repeated');
    if ((key & 7) === 0) fields.set(field, readVarint());
    else if ((key & 7) === 2) {
      const length = Number(readVarint());
      if (length > message.length - at) throw new RangeError('A field must end within the message');
      fields.set(field, message.subarray(at, at + length));
      at += length;
    } else throw new RangeError('A field must be a varint or length-delimited');
  }
  return fields;
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}
