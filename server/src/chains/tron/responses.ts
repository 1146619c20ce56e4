import { limits } from '../../platform/limits.ts';
import { toTronAddress } from '../addresses.ts';
import { type Fields, fields, list, malformed, count as requiredCount } from '../decoding.ts';
import { ChainError } from '../errors.ts';
import type { Block } from '../port.ts';

/**
 * Decoders of full node responses (java-tron, HTTP API). Each throws ChainError if the response has another shape. Nodes omit fields
 * with default values, and return an empty object for what does not exist.
 */

/** A block header. */
export interface Header extends Block {
  readonly parentId: string;
  readonly timestampMs: number;
  /** Whether it holds no transactions. */
  readonly isEmpty: boolean;
}

/** A block with the ids of its transactions. */
export interface FullBlock extends Header {
  readonly txIds: readonly string[];
}

/** An event log of a contract. */
export interface Log {
  /** The contract's address; starts with T. */
  readonly address: string;
  /** Lower-case hexadecimal without 0x. */
  readonly topics: readonly string[];
  readonly data: string;
}

/** The outcome of a transaction. */
export interface Outcome {
  readonly txHash: string;
  readonly height: number;
  readonly timestampMs: number;
  /** `no_call` for a transaction that calls no contract. */
  readonly result: 'called' | 'no_call' | 'failed';
  /** Everything that was burnt: energy, bandwidth, account creation. */
  readonly feeSun: bigint;
  readonly logs: readonly Log[];
}

/** The result of a simulated call. */
export interface ConstantCall {
  readonly ok: boolean;
  readonly energy: bigint;
  /** The returned data, in hexadecimal. */
  readonly data: string;
}

/** The resources that an account can use without burning TRX. */
export interface Resources {
  readonly energy: bigint;
  readonly stakedBandwidth: bigint;
  readonly freeBandwidth: bigint;
}

/** The network's prices, in sun. */
export interface Prices {
  readonly energySun: bigint;
  readonly bandwidthSun: bigint;
  readonly newAccountSun: bigint;
}

/** Decodes a header; undefined if the node has no such block. */
export function header(value: unknown): Header | undefined {
  const block = fields(value, 'a block');
  if (block.blockID === undefined) return undefined;
  const raw = fields(fields(block.block_header, 'a header').raw_data, 'a header');
  const id = hex(block.blockID, 32);
  const height = count(raw.number);
  // The first eight bytes of a block's id are its number.
  if (BigInt(`0x${id.slice(0, 16)}`) !== BigInt(height)) throw malformed('a block with its own number');
  const root = hex(raw.txTrieRoot, 32);
  return {
    height,
    id,
    parentId: hex(raw.parentHash, 32),
    timestampMs: count(raw.timestamp),
    isEmpty: /^0*$/.test(root),
  };
}

/** Decodes a block; undefined if the node has no such block. */
export function fullBlock(value: unknown): FullBlock | undefined {
  const found = header(value);
  if (!found) return undefined;
  const { transactions = [] } = fields(value, 'a block');
  const txIds = list(transactions, 'transactions').map((item) => hex(fields(item, 'a transaction').txID, 32));
  if ((txIds.length === 0) !== found.isEmpty) throw malformed('all transactions of the block');
  return { ...found, txIds };
}

/** Decodes the height of the newest solidified block, which two thirds of the producers have built on. */
export function solidHeight(value: unknown): number {
  const { solidityBlock } = fields(value, 'the state of the node');
  const [, height] = /^Num:(\d{1,15}),ID:[0-9a-f]{64}$/.exec(String(solidityBlock)) ?? [];
  if (height === undefined) throw malformed('a solidified block');
  return Number(height);
}

/** Decodes the outcomes of a block's transactions. */
export function outcomes(value: unknown): Outcome[] {
  // Nodes return an empty object for the first block.
  if (!Array.isArray(value) && Object.keys(fields(value, 'a list')).length === 0) return [];
  return list(value, 'a list of outcomes').map((item) => readOutcome(fields(item, 'an outcome')));
}

/** Decodes an outcome; undefined while the transaction is in no block. */
export function outcome(value: unknown): Outcome | undefined {
  const item = fields(value, 'an outcome');
  return item.id === undefined ? undefined : readOutcome(item);
}

function readOutcome(item: Fields): Outcome {
  const receipt = fields(item.receipt ?? {}, 'a receipt');
  const called = receipt.result;
  if (called !== undefined && typeof called !== 'string') throw malformed('a result');
  const hasFailed = item.result === 'FAILED' || (called !== undefined && called !== 'SUCCESS');
  return {
    txHash: hex(item.id, 32),
    height: count(item.blockNumber),
    timestampMs: count(item.blockTimeStamp),
    result: hasFailed ? 'failed' : called === undefined ? 'no_call' : 'called',
    feeSun: BigInt(count(item.fee)),
    logs: list(item.log ?? [], 'a list of logs').map(readLog),
  };
}

function readLog(value: unknown): Log {
  const item = fields(value, 'a log');
  const topics = list(item.topics ?? [], 'topics');
  if (topics.length > 4) throw malformed('topics');
  return {
    address: toTronAddress(Buffer.from(hex(item.address, 20), 'hex')),
    topics: topics.map((topic) => hex(topic, 32)),
    data: item.data === undefined ? '' : hex(item.data),
  };
}

/**
 * Decodes the result of a simulated call.
 *
 * @throws ChainError `rejected` if the node did not simulate the call
 */
export function constantCall(value: unknown): ConstantCall {
  const response = fields(value, 'a result');
  const { code, message, result } = fields(response.result, 'a result');
  const reason = text(message);
  const isReverted = /revert|runtime error/i.test(reason);
  if (result !== true && !isReverted) {
    throw new ChainError(`The node rejected a call: ${text(code)} ${reason}`, 'rejected');
  }
  const transaction = fields(response.transaction ?? {}, 'a transaction');
  const [ret = {}] = list(transaction.ret ?? [], 'a result');
  const [data = ''] = list(response.constant_result ?? [], 'a result');
  const hasFailed = isReverted || reason !== '' || fields(ret, 'a result').ret === 'FAILED';
  return { ok: !hasFailed, energy: BigInt(count(response.energy_used)), data: hex(data) };
}

/** The 32-byte word that a call returned. @throws ChainError if the call failed */
export function word({ data, ok }: ConstantCall): bigint {
  if (!ok) throw new ChainError('A read-only call of a token contract failed.');
  return BigInt(`0x${hex(data, 32)}`);
}

/** Decodes the balance of an account in sun; undefined if the account does not exist. */
export function accountBalance(value: unknown): bigint | undefined {
  const account = fields(value, 'an account');
  return account.address === undefined ? undefined : BigInt(count(account.balance));
}

/** Decodes the resources of an account. */
export function resources(value: unknown): Resources {
  const found = fields(value, 'resources');
  const left = (limit: unknown, used: unknown): bigint => BigInt(Math.max(0, count(limit) - count(used)));
  return {
    energy: left(found.EnergyLimit, found.EnergyUsed),
    stakedBandwidth: left(found.NetLimit, found.NetUsed),
    freeBandwidth: left(found.freeNetLimit, found.freeNetUsed),
  };
}

/** Decodes the network's prices. @throws ChainError if one is missing */
export function prices(value: unknown): Prices {
  const entries = list(fields(value, 'parameters').chainParameter, 'parameters').map((entry) =>
    fields(entry, 'a parameter'),
  );
  const priceOf = (key: string): bigint => {
    const found = entries.find((entry) => entry.key === key);
    if (!found) throw malformed(`the parameter ${key}`);
    return BigInt(count(found.value));
  };
  return {
    energySun: priceOf('getEnergyFee'),
    bandwidthSun: priceOf('getTransactionFee'),
    newAccountSun: priceOf('getCreateNewAccountFeeInSystemContract') + priceOf('getCreateAccountFee'),
  };
}

/** Decodes the result of a broadcast: the node's code and message. */
export function broadcastResult(value: unknown): { code: string; message: string } {
  const response = fields(value, 'a code');
  const code = response.code ?? (response.result === true ? 'SUCCESS' : undefined);
  if (typeof code !== 'string') throw malformed('a code');
  return { code: text(code), message: text(response.message) };
}

/** Decodes a message, which nodes send in hexadecimal or as plain text. */
export function text(value: unknown): string {
  if (typeof value !== 'string') return '';
  const isHex = /^(?:[0-9a-f]{2})+$/i.test(value);
  return (isHex ? Buffer.from(value, 'hex').toString('utf8') : value).slice(0, limits.shortTextLength);
}

/** Decodes a non-negative integer that nodes omit when it is 0. */
function count(value: unknown): number {
  return value === undefined ? 0 : requiredCount(value);
}

function hex(value: unknown, length?: number): string {
  if (typeof value !== 'string' || !/^(?:[0-9a-fA-F]{2})*$/.test(value)) throw malformed('bytes');
  if (length !== undefined && value.length !== 2 * length) throw malformed(`${length} bytes`);
  return value.toLowerCase();
}
