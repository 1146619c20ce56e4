import { limits } from '../../platform/limits.ts';
import { toTronAddress } from '../addresses.ts';
import { RpcError } from '../node.ts';
import { type Block, ChainError } from '../port.ts';

/**
 * Readers of what full nodes answer (java-tron, HTTP API). Whatever has another shape is refused: a node may be broken,
 * or none at all. Fields that have their default are left out by nodes, and what is not there is an empty object.
 */

/** A block's header, as far as we look at it. */
export interface Header extends Block {
  readonly parentId: string;
  readonly timestampMs: number;
  /** Whether it holds no transactions. */
  readonly isEmpty: boolean;
}

/** A block with the ids of all its transactions. */
export interface FullBlock extends Header {
  readonly txIds: readonly string[];
}

/** An event of a contract. */
export interface Log {
  /** Of the contract; starts with T. */
  readonly address: string;
  /** In lower case, without 0x. */
  readonly topics: readonly string[];
  readonly data: string;
}

/** What became of a transaction. */
export interface Outcome {
  readonly txHash: string;
  readonly height: number;
  readonly timestampMs: number;
  /** Transactions that call no contract have no result of a call. */
  readonly result: 'called' | 'no_call' | 'failed';
  /** Everything that was burnt for it: energy, bandwidth, a new account. */
  readonly feeSun: bigint;
  readonly logs: readonly Log[];
}

/** What a call would do if it were a transaction. */
export interface ConstantCall {
  readonly ok: boolean;
  readonly energy: bigint;
  /** What it returns, in hexadecimal. */
  readonly data: string;
}

/** What an account may still use without burning anything for it. */
export interface Resources {
  readonly energy: bigint;
  readonly stakedBandwidth: bigint;
  readonly freeBandwidth: bigint;
}

/** What the network asks for, in sun. */
export interface Prices {
  readonly energySun: bigint;
  readonly bandwidthSun: bigint;
  readonly newAccountSun: bigint;
}

type Fields = Readonly<Record<string, unknown>>;

/** A header, or undefined when the node has no such block. */
export function header(value: unknown): Header | undefined {
  const block = fields(value, 'a block');
  if (block.blockID === undefined) return undefined;
  const raw = fields(fields(block.block_header, 'a header').raw_data, 'a header');
  const id = hex(block.blockID, 32);
  const height = count(raw.number);
  // The first eight bytes of a block's id are its number.
  if (BigInt(`0x${id.slice(0, 16)}`) !== BigInt(height)) throw malformed('a block with its own number');
  const root = raw.txTrieRoot === undefined ? '' : hex(raw.txTrieRoot);
  return {
    height,
    id,
    parentId: hex(raw.parentHash, 32),
    timestampMs: count(raw.timestamp),
    isEmpty: /^0*$/.test(root),
  };
}

/** A whole block, or undefined when the node has no such one. */
export function fullBlock(value: unknown): FullBlock | undefined {
  const found = header(value);
  if (!found) return undefined;
  const { transactions = [] } = fields(value, 'a block');
  const txIds = list(transactions, 'transactions').map((item) => hex(fields(item, 'a transaction').txID, 32));
  if ((txIds.length === 0) !== found.isEmpty) throw malformed('all transactions of the block');
  return { ...found, txIds };
}

/** The outcomes of all transactions of a block. */
export function outcomes(value: unknown): Outcome[] {
  // For the first block nodes answer with an empty object.
  if (!Array.isArray(value) && Object.keys(fields(value, 'a list')).length === 0) return [];
  return list(value, 'a list of outcomes').map((item) => readOutcome(fields(item, 'an outcome')));
}

/** An outcome, or undefined while the transaction is in no block. */
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
 * A call that was only tried.
 *
 * @throws RpcError when the node does not try it at all
 */
export function constantCall(value: unknown): ConstantCall {
  const answer = fields(value, 'a result');
  const { code, message, result } = fields(answer.result, 'a result');
  const said = text(message);
  const isReverted = /revert|runtime error/i.test(said);
  if (result !== true && !isReverted) throw new RpcError(0, `The node refused a call: ${text(code)} ${said}`);
  const transaction = fields(answer.transaction ?? {}, 'a transaction');
  const [ret = {}] = list(transaction.ret ?? [], 'a result');
  const [data = ''] = list(answer.constant_result ?? [], 'a result');
  const hasFailed = isReverted || said !== '' || fields(ret, 'a result').ret === 'FAILED';
  return { ok: !hasFailed, energy: BigInt(count(answer.energy_used)), data: hex(data) };
}

/** One word of 32 bytes, as a contract returns a number. */
export function word({ data, ok }: ConstantCall): bigint {
  if (!ok) throw new ChainError('A token contract failed when it was asked.');
  return BigInt(`0x${hex(data, 32)}`);
}

/** The native coin of an account in sun; undefined when there is no such account. */
export function accountBalance(value: unknown): bigint | undefined {
  const account = fields(value, 'an account');
  return account.address === undefined ? undefined : BigInt(count(account.balance));
}

export function resources(value: unknown): Resources {
  const found = fields(value, 'resources');
  const left = (limit: unknown, used: unknown): bigint => BigInt(Math.max(0, count(limit) - count(used)));
  return {
    energy: left(found.EnergyLimit, found.EnergyUsed),
    stakedBandwidth: left(found.NetLimit, found.NetUsed),
    freeBandwidth: left(found.freeNetLimit, found.freeNetUsed),
  };
}

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

/** The code by which a node took or refused a transaction, and its words for it. */
export function broadcastCode(value: unknown): { code: string; said: string } {
  const answer = fields(value, 'a code');
  const code = answer.code ?? (answer.result === true ? 'SUCCESS' : undefined);
  if (typeof code !== 'string') throw malformed('a code');
  return { code: text(code), said: text(answer.message) };
}

/** Nodes write their words in hexadecimal, or as they are. */
export function text(value: unknown): string {
  if (typeof value !== 'string') return '';
  const isHex = /^(?:[0-9a-f]{2})+$/i.test(value);
  return (isHex ? Buffer.from(value, 'hex').toString('utf8') : value).slice(0, limits.shortTextLength);
}

/** What we count with; left out when it is 0. */
function count(value: unknown): number {
  if (value === undefined) return 0;
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw malformed('a number');
  return value as number;
}

function hex(value: unknown, length?: number): string {
  if (typeof value !== 'string' || !/^(?:[0-9a-fA-F]{2})*$/.test(value)) throw malformed('bytes');
  if (length !== undefined && value.length !== 2 * length) throw malformed(`${length} bytes`);
  return value.toLowerCase();
}

function fields(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed(what);
  return value as Fields;
}

function list(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw malformed(what);
  return value;
}

function malformed(wanted: string): ChainError {
  return new ChainError(`The node's answer is malformed: it should hold ${wanted}.`);
}
