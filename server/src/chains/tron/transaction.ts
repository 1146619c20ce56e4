import { sha256 } from '@noble/hashes/sha2.js';
import { createBase58check } from '@scure/base';

/** What every Tron transaction carries beside its contract. */
export interface TronEnvelope {
  /** Bytes 6 and 7 of the number of a recent block (TaPoS). */
  readonly refBlockBytes: Uint8Array;
  /** Bytes 8 to 15 of its id. */
  readonly refBlockHash: Uint8Array;
  readonly expirationMs: number;
  readonly timestampMs: number;
  /** The most that the energy of a contract call may cost, in sun; 0 where nothing is called. */
  readonly feeLimitSun: bigint;
}

/** A TRC-20 transfer, or one of TRX. Addresses start with T. */
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
 * Encodes `Transaction.raw` of a transfer, field by field in the order of their numbers, as java-tron and TronWeb do.
 *
 * @throws Error when an address is none
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

/** The id of a transaction: SHA-256 of its raw data, 32 bytes. It is also what is signed. */
export function tronDigest(raw: Uint8Array): Uint8Array {
  return sha256(raw);
}

/** The whole `Transaction`: raw data and one signature of 65 bytes. */
export function encodeTronTransaction(raw: Uint8Array, signature: Uint8Array): Uint8Array {
  return concat(bytesField(1, raw), bytesField(2, signature));
}

/**
 * Takes apart the raw data's own fields; the contract stays encoded.
 *
 * @throws RangeError when the bytes are no such message
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
    if (typeof value !== 'bigint') throw new RangeError(`Field ${field} is no number`);
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

/** The 21 bytes of an address that starts with T. */
export function tronAddressBytes(address: string): Uint8Array {
  return base58check.decode(address);
}

/** The parameters of `transfer(address,uint256)` (TRC-20), without the selector. */
export function transferParameters(to: string, amount: bigint): Uint8Array {
  return concat(new Uint8Array(12), tronAddressBytes(to).subarray(1), word(amount));
}

/** The whole call of `transfer(address,uint256)`. */
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

/** Wire type 0. Zero is the default and is left out (proto3). */
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
    throw new RangeError('A number has no end');
  };
  while (at < message.length) {
    const key = Number(readVarint());
    const field = key >> 3;
    if (fields.has(field)) throw new RangeError('A field is there twice');
    if ((key & 7) === 0) fields.set(field, readVarint());
    else if ((key & 7) === 2) {
      const length = Number(readVarint());
      if (length > message.length - at) throw new RangeError('A field has no end');
      fields.set(field, message.subarray(at, at + length));
      at += length;
    } else throw new RangeError('A field of an unknown kind');
  }
  return fields;
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}
