import { type Block, ChainError } from '../port.ts';

/** Readers of what nodes answer. Whatever has another shape is refused: a node may be broken, or none at all. */

/** A log, as far as we look at it. Addresses and hashes are in lower case. */
export interface Log {
  readonly address: string;
  readonly topics: readonly string[];
  readonly data: string;
  readonly block: Block;
  readonly txHash: string;
  readonly logIndex: number;
}

/** A block's header, as far as we look at it. */
export interface Header extends Block {
  readonly parentId: string;
  readonly baseFeeWei: bigint;
}

/** What became of a transaction. */
export interface Receipt {
  readonly block: Block;
  readonly ok: boolean;
  readonly gasUsed: bigint;
  readonly effectiveGasPrice: bigint;
  /** What an OP-stack chain charges beside the gas. */
  readonly l1Fee: bigint;
  /** What was called, in lower case; undefined when a contract was made. */
  readonly to: string | undefined;
  readonly logs: readonly Log[];
}

type Fields = Readonly<Record<string, unknown>>;

/** A whole number as hexadecimal text (Ethereum JSON-RPC, Quantity). */
export function quantity(value: unknown): bigint {
  if (typeof value !== 'string' || !/^0x[0-9a-fA-F]{1,64}$/.test(value)) throw malformed('a quantity');
  return BigInt(value);
}

/** The same for what we count with: block numbers, nonces, indexes. */
export function count(value: unknown): number {
  const whole = quantity(value);
  if (whole > BigInt(Number.MAX_SAFE_INTEGER)) throw malformed('a number');
  return Number(whole);
}

/** Bytes as hexadecimal text, in lower case. */
export function bytes(value: unknown, length?: number): string {
  if (typeof value !== 'string' || !/^0x(?:[0-9a-fA-F]{2})*$/.test(value)) throw malformed('bytes');
  if (length !== undefined && value.length !== 2 + 2 * length) throw malformed(`${length} bytes`);
  return value.toLowerCase();
}

/** One word of 32 bytes, as a contract returns a number. */
export function word(value: unknown): bigint {
  return BigInt(bytes(value, 32));
}

/** A header, or undefined when the node has no such block. */
export function header(value: unknown): Header | undefined {
  if (value === null) return undefined;
  const block = fields(value, 'a block');
  return {
    height: count(block.number),
    id: bytes(block.hash, 32),
    parentId: bytes(block.parentHash, 32),
    baseFeeWei: block.baseFeePerGas === undefined ? 0n : quantity(block.baseFeePerGas),
  };
}

/** A list of logs. Those that a node takes back itself (`removed`) are left out. */
export function logs(value: unknown): Log[] {
  if (!Array.isArray(value)) throw malformed('a list of logs');
  return value.filter((item) => fields(item, 'a log').removed !== true).map(log);
}

function log(value: unknown): Log {
  const item = fields(value, 'a log');
  if (!Array.isArray(item.topics) || item.topics.length > 4) throw malformed('topics');
  return {
    address: bytes(item.address, 20),
    topics: item.topics.map((topic) => bytes(topic, 32)),
    data: bytes(item.data),
    block: { height: count(item.blockNumber), id: bytes(item.blockHash, 32) },
    txHash: bytes(item.transactionHash, 32),
    logIndex: count(item.logIndex),
  };
}

/** A receipt, or undefined while the transaction is in no block. */
export function receipt(value: unknown): Receipt | undefined {
  if (value === null) return undefined;
  const item = fields(value, 'a receipt');
  if (item.status !== '0x0' && item.status !== '0x1') throw malformed('a status');
  return {
    block: { height: count(item.blockNumber), id: bytes(item.blockHash, 32) },
    ok: item.status === '0x1',
    gasUsed: quantity(item.gasUsed),
    effectiveGasPrice: quantity(item.effectiveGasPrice),
    l1Fee: item.l1Fee === undefined || item.l1Fee === null ? 0n : quantity(item.l1Fee),
    to: item.to === undefined || item.to === null ? undefined : bytes(item.to, 20),
    logs: logs(item.logs),
  };
}

function fields(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed(what);
  return value as Fields;
}

function malformed(wanted: string): ChainError {
  return new ChainError(`The node's answer is malformed: it should hold ${wanted}.`);
}
