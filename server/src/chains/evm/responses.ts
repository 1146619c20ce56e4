import { limits } from '../../platform/limits.ts';
import { fields, list, malformed } from '../decoding.ts';
import type { Block } from '../port.ts';

/** Decoders of Ethereum JSON-RPC responses. Each throws ChainError if the response has another shape. */

/** A log. Addresses and hashes are in lower case. */
export interface Log {
  readonly address: string;
  readonly topics: readonly string[];
  readonly data: string;
  readonly block: Block;
  readonly txHash: string;
  readonly logIndex: number;
}

/** A block header. */
export interface Header extends Block {
  readonly parentId: string;
  readonly baseFeeWei: bigint;
}

/** A transaction receipt. */
export interface Receipt {
  readonly block: Block;
  readonly ok: boolean;
  readonly gasUsed: bigint;
  readonly effectiveGasPrice: bigint;
  /** The L1 data fee of OP Stack chains; 0 elsewhere. */
  readonly l1Fee: bigint;
  /** The called address, in lower case; undefined if the transaction created a contract. */
  readonly to: string | undefined;
  readonly logs: readonly Log[];
}

/** Decodes a quantity (Ethereum JSON-RPC: an integer in hexadecimal). */
export function quantity(value: unknown): bigint {
  if (typeof value !== 'string' || !/^0x[0-9a-fA-F]{1,64}$/.test(value)) throw malformed('a quantity');
  return BigInt(value);
}

/** Decodes a quantity that must be a safe integer: a block number, a nonce, an index. */
export function integer(value: unknown): number {
  const whole = quantity(value);
  if (whole > BigInt(Number.MAX_SAFE_INTEGER)) throw malformed('a number');
  return Number(whole);
}

/** Decodes bytes to lower-case hexadecimal. */
export function bytes(value: unknown, length?: number): string {
  if (typeof value !== 'string' || !/^0x(?:[0-9a-fA-F]{2})*$/.test(value)) throw malformed('bytes');
  if (length !== undefined && value.length !== 2 + 2 * length) throw malformed(`${length} bytes`);
  return value.toLowerCase();
}

/** Decodes a 32-byte word, which is how contracts return numbers. */
export function word(value: unknown): bigint {
  return BigInt(bytes(value, 32));
}

/** Decodes a header; undefined if the node has no such block. */
export function header(value: unknown): Header | undefined {
  if (value === null) return undefined;
  const block = fields(value, 'a block');
  return {
    height: integer(block.number),
    id: bytes(block.hash, 32),
    parentId: bytes(block.parentHash, 32),
    baseFeeWei: block.baseFeePerGas === undefined ? 0n : quantity(block.baseFeePerGas),
  };
}

/** What the newest blocks charged, the oldest first, in wei per unit of gas. */
export interface FeeHistory {
  readonly nextBaseFeeWei: bigint;
  readonly blocks: readonly {
    readonly height: number;
    readonly baseFeeWei: bigint;
    /** The tips at the two percentiles that were asked for; 0 if the node reports none. */
    readonly leastTipWei: bigint;
    readonly usualTipWei: bigint;
  }[];
}

/** Decodes the result of `eth_feeHistory` with two percentiles. */
export function feeHistory(value: unknown): FeeHistory {
  const history = fields(value, 'a fee history');
  const baseFees = list(history.baseFeePerGas, 'base fees').map(quantity);
  const rewards = list(history.reward ?? [], 'tips').map((tips) => list(tips ?? [], 'tips').map(quantity));
  const next = baseFees.pop();
  if (next === undefined || baseFees.length > limits.feeBlocks) throw malformed('a fee history');
  const oldest = integer(history.oldestBlock);
  return {
    nextBaseFeeWei: next,
    blocks: baseFees.map((baseFeeWei, at) => {
      const [leastTipWei = 0n, usualTipWei = 0n] = rewards[at] ?? [];
      return { height: oldest + at, baseFeeWei, leastTipWei, usualTipWei };
    }),
  };
}

/** Decodes a list of logs, without those that the node reports as `removed`. */
export function logs(value: unknown): Log[] {
  return list(value, 'a list of logs')
    .filter((item) => fields(item, 'a log').removed !== true)
    .map(log);
}

function log(value: unknown): Log {
  const item = fields(value, 'a log');
  const topics = list(item.topics, 'topics');
  if (topics.length > 4) throw malformed('topics');
  return {
    address: bytes(item.address, 20),
    topics: topics.map((topic) => bytes(topic, 32)),
    data: bytes(item.data),
    block: { height: integer(item.blockNumber), id: bytes(item.blockHash, 32) },
    txHash: bytes(item.transactionHash, 32),
    logIndex: integer(item.logIndex),
  };
}

/** Decodes a receipt; undefined while the transaction is in no block. */
export function receipt(value: unknown): Receipt | undefined {
  if (value === null) return undefined;
  const item = fields(value, 'a receipt');
  if (item.status !== '0x0' && item.status !== '0x1') throw malformed('a status');
  return {
    block: { height: integer(item.blockNumber), id: bytes(item.blockHash, 32) },
    ok: item.status === '0x1',
    gasUsed: quantity(item.gasUsed),
    effectiveGasPrice: quantity(item.effectiveGasPrice),
    l1Fee: item.l1Fee === undefined || item.l1Fee === null ? 0n : quantity(item.l1Fee),
    to: item.to === undefined || item.to === null ? undefined : bytes(item.to, 20),
    logs: logs(item.logs),
  };
}
