import { encodeAbiParameters, type Hex, keccak256, toFunctionSelector, toHex } from 'viem';
import { decimalsData, nameData, transferTopic, versionData } from '../../../server/src/chains/evm/erc20.ts';
import type { Lie } from './chain-model.ts';
import { type EvmBlock, type EvmChain, gasUsed, type Mined, token, topicsOf } from './evm-chain.ts';

/** A request that the node rejects. */
export class Rejection extends Error {}

// Parameters of every shape: the server's own requests.
// biome-ignore lint/suspicious/noExplicitAny: each method knows its own
type Params = any;

/** How far behind a node with a stale head is. */
const staleBlocks = 3;
const selector = {
  balanceOf: toFunctionSelector('balanceOf(address)'),
  authorizationState: toFunctionSelector('authorizationState(address,bytes32)'),
  paused: toFunctionSelector('paused()'),
  isFrozen: ['isBlacklisted(address)', 'isBlackListed(address)'].map((text) => toFunctionSelector(text)),
};
const word = (value: bigint): Hex => `0x${value.toString(16).padStart(64, '0')}`;
const hex = (value: number | bigint): Hex => `0x${value.toString(16)}`;
const text = (value: string): Hex => encodeAbiParameters([{ type: 'string' }], [value]);

/**
 * Answers a request of Ethereum's JSON-RPC.
 *
 * @param lie what the node says untruthfully
 * @throws Rejection
 */
export async function answerEvm(
  chain: EvmChain,
  chainId: number,
  lie: Lie | undefined,
  method: string,
  params: Params,
): Promise<unknown> {
  const seen =
    lie === 'stale head'
      ? chain.blocks.slice(0, Math.max(1, chain.blocks.length - staleBlocks))
      : chain.blocks;
  const head = seen.at(-1) as EvmBlock;
  switch (method) {
    case 'eth_chainId':
      return hex(chainId);
    case 'eth_blockNumber':
      return hex(head.number);
    case 'eth_getBlockByNumber':
      return blockAnswer(blockAt(seen, params[0]), lie);
    case 'eth_getBlockByHash':
      return blockAnswer(
        seen.find(({ hash }) => hash === params[0]),
        lie,
      );
    case 'eth_getLogs':
      return lie === 'no logs' ? [] : logsAnswer(seen, params[0]);
    case 'eth_call':
      return callAnswer(chain, seen, lie, params);
    case 'eth_estimateGas':
      return estimateAnswer(chain, head, params[0]);
    case 'eth_getBalance':
      return hex(at(seen, params[1]).accounts.coins.get(params[0].toLowerCase()) ?? 0n);
    case 'eth_getTransactionCount':
      return countAnswer(chain, at(seen, params[1]), lie, params);
    case 'eth_getTransactionReceipt':
      return lie === 'no receipts' ? null : receiptAnswer(seen, lie, params[0]);
    case 'eth_getTransactionByHash':
      return transactionAnswer(chain, seen, params[0]);
    case 'eth_sendRawTransaction':
      return chain.send(params[0]).catch((error: Error) => {
        throw new Rejection(error.message);
      });
    case 'eth_maxPriorityFeePerGas':
      return hex(100_000_000n);
    case 'eth_gasPrice':
      return hex(head.baseFeeWei + 100_000_000n);
    case 'eth_feeHistory':
      return feeHistory(seen, params);
    case 'eth_getCode':
      return params[0].toLowerCase() === token ? '0x6001' : '0x';
    default:
      throw new Rejection(`the method ${method} does not exist`);
  }
}

type Blocks = readonly EvmBlock[];

/** @param which a number, a tag, or `{ blockHash }` */
function blockAt(seen: Blocks, which: Params): EvmBlock | undefined {
  if (typeof which === 'object') return seen.find(({ hash }) => hash === which.blockHash);
  if (which === 'finalized' || which === 'safe') return undefined;
  if (which === 'latest' || which === 'pending' || which === undefined) return seen.at(-1);
  return seen[which === 'earliest' ? 0 : Number(which)];
}

function at(seen: Blocks, which: Params): EvmBlock {
  const block = blockAt(seen, which);
  if (!block) throw new Rejection('header not found');
  return block;
}

/** A node that hides logs hides them from the bloom filter too. */
function blockAnswer(block: EvmBlock | undefined, lie: Lie | undefined): unknown {
  if (!block) return null;
  return {
    number: hex(block.number),
    hash: block.hash,
    parentHash: block.parentHash,
    timestamp: hex(block.timestamp),
    baseFeePerGas: hex(block.baseFeeWei),
    gasUsed: hex(block.mined.reduce((sum, { item }) => sum + gasUsed(item), 0n)),
    gasLimit: hex(30_000_000),
    logsBloom: bloomOf(lie === 'no logs' ? [] : block.mined),
    transactions: block.mined.map(({ item }) => item.hash),
  };
}

/** The bloom filter of a block's logs (Ethereum Yellow Paper, 4.3.1). */
function bloomOf(mined: readonly Mined[]): Hex {
  const bits = new Uint8Array(256);
  for (const log of mined.flatMap(({ logs }) => logs)) {
    for (const part of [token, ...topicsOf(log)]) {
      const hashed = Buffer.from(keccak256(part as Hex).slice(2), 'hex');
      for (const from of [0, 2, 4]) {
        const bit = hashed.readUInt16BE(from) & 2047;
        const byte = 255 - (bit >> 3);
        bits[byte] = (bits[byte] ?? 0) | (1 << (bit & 7));
      }
    }
  }
  return toHex(bits);
}

function logAnswers(block: EvmBlock, { item, logs }: Mined): Record<string, unknown>[] {
  return logs.map((log) => ({
    address: token,
    topics: topicsOf(log),
    data: word(log.amount),
    blockNumber: hex(block.number),
    blockHash: block.hash,
    transactionHash: item.hash,
    logIndex: hex(log.index),
    removed: false,
  }));
}

function logsAnswer(seen: Blocks, filter: Params): unknown {
  const within =
    filter.blockHash === undefined
      ? seen.slice(
          Number(filter.fromBlock),
          filter.toBlock === 'latest' ? undefined : Number(filter.toBlock) + 1,
        )
      : [at(seen, { blockHash: filter.blockHash })];
  const addresses = filter.address === undefined ? undefined : [filter.address].flat().map(lower);
  if (addresses && !addresses.includes(token)) return [];
  const all = within.flatMap((block) => block.mined.flatMap((mined) => logAnswers(block, mined)));
  return all.filter(({ topics }) => matches(topics as string[], filter.topics ?? [transferTopic]));
}

const lower = (value: string): string => value.toLowerCase();

function matches(topics: readonly string[], wanted: readonly (string | null | string[])[]): boolean {
  return wanted.every(
    (any, index) =>
      any === null ||
      [any]
        .flat()
        .map(lower)
        .includes(topics[index] ?? ''),
  );
}

function callAnswer(chain: EvmChain, seen: Blocks, lie: Lie | undefined, [call, which]: Params): unknown {
  const { accounts } = at(seen, which);
  const data = lower(call.data ?? call.input) as Hex;
  if (lower(call.to) !== token) return '0x';
  const account = `0x${data.slice(34, 74)}`;
  const name = data.slice(0, 10) as Hex;
  if (name === selector.balanceOf)
    return word(lie === 'wrong balances' ? 0n : (accounts.tokens.get(account) ?? 0n));
  if (data === decimalsData) return word(6n);
  if (data === nameData) return text('USD Coin');
  if (data === versionData) return text('2');
  if (name === selector.paused) return word(0n);
  if (selector.isFrozen.includes(name)) return word(chain.frozen.has(account) ? 1n : 0n);
  if (name === selector.authorizationState) {
    return word(accounts.usedAuthorizations.has(`${account}/0x${data.slice(74)}`) ? 1n : 0n);
  }
  if (call.from && chain.canCall(accounts, call.from, data)) return word(1n);
  throw new Rejection('execution reverted');
}

function estimateAnswer(chain: EvmChain, { accounts }: EvmBlock, call: Params): unknown {
  const to = lower(call.to);
  if (to === token && !chain.canCall(accounts, call.from, call.data))
    throw new Rejection('execution reverted');
  return hex(gasUsed({ to }));
}

/** A node that lies about it says that another transaction of the account is in a block. */
function countAnswer(
  chain: EvmChain,
  block: EvmBlock,
  lie: Lie | undefined,
  [address, which]: Params,
): unknown {
  const from = lower(address);
  let count = block.accounts.nonces.get(from) ?? 0;
  if (which === 'pending') {
    count += chain.pool.filter((item) => item.kind === 'signed' && item.from === from).length;
  }
  return hex(lie === 'wrong nonce' ? count + 1 : count);
}

function findMined(seen: Blocks, hash: string): { block: EvmBlock; mined: Mined } | undefined {
  for (const block of seen) {
    const mined = block.mined.find(({ item }) => item.hash === hash);
    if (mined) return { block, mined };
  }
  return undefined;
}

function receiptAnswer(seen: Blocks, lie: Lie | undefined, hash: string): unknown {
  const found = findMined(seen, hash);
  if (!found) return null;
  const { block, mined } = found;
  const isOk = mined.isOk && lie !== 'failed receipts';
  const hasLogs = isOk && lie !== 'receipts without logs';
  return {
    transactionHash: hash,
    blockNumber: hex(block.number),
    blockHash: block.hash,
    status: isOk ? '0x1' : '0x0',
    gasUsed: hex(gasUsed(mined.item)),
    effectiveGasPrice: hex(mined.gasPrice),
    to: mined.item.to,
    logs: hasLogs ? logAnswers(block, mined) : [],
  };
}

function transactionAnswer(chain: EvmChain, seen: Blocks, hash: string): unknown {
  const found = findMined(seen, hash);
  const item = found?.mined.item ?? chain.pool.find((other) => other.hash === hash);
  if (!item) return null;
  return {
    hash,
    blockNumber: found ? hex(found.block.number) : null,
    blockHash: found?.block.hash ?? null,
    from: item.kind === 'signed' ? item.from : token,
    to: item.to,
    nonce: hex(item.kind === 'signed' ? item.nonce : 0),
  };
}

function feeHistory(seen: Blocks, [count, , percentiles = []]: Params): unknown {
  const some = seen.slice(-Number(count));
  const next = (seen.at(-1) as EvmBlock).baseFeeWei;
  return {
    oldestBlock: hex(some[0]?.number ?? 0),
    baseFeePerGas: [...some.map(({ baseFeeWei }) => baseFeeWei), next].map(hex),
    gasUsedRatio: some.map(() => 0.5),
    reward: some.map(() => percentiles.map(() => hex(100_000_000n))),
  };
}
