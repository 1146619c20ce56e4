import { limits } from '../../platform/limits.ts';
import { ChainError } from '../errors.ts';
import type { Node } from '../node.ts';
import type { WatchedAddresses } from '../port.ts';
import { addressTopic } from './erc20.ts';
import { type Log, logs as readLogs } from './responses.ts';

/** Filter of `eth_getLogs`: contracts (every contract if undefined) and topics. */
export interface LogFilter {
  readonly address?: string | readonly string[] | undefined;
  readonly topics?: readonly (string | null | readonly string[])[];
}

/** How many blocks a node is asked about per request, adapted to its responses. */
export interface LogRange {
  blocks: number;
  /** Responses since `blocks` last changed. */
  responses: number;
}

type Asked = Pick<Node, 'call'>;

/** A block by its hash, or a range of blocks by their heights in hexadecimal. */
type Where = { readonly blockHash: string } | { readonly fromBlock: string; readonly toBlock: string };

/**
 * Fetches the logs of a range of blocks. Nodes limit their responses in different ways, and some omit the rest silently. A
 * request that is rejected, times out or returns suspiciously many logs is therefore repeated for half the blocks, and later
 * requests keep that size until several have succeeded. A single block that is too large is asked for in parts.
 *
 * @param size the node's current request size; updated
 * @param watched the receivers that the parts of a block are asked for
 * @throws ChainError if the logs of one receiver in a single block cannot be fetched, or the node's rate limit is exceeded
 */
export async function fetchLogs(
  node: Asked,
  filter: LogFilter,
  range: { readonly from: number; readonly to: number },
  size: LogRange,
  watched: WatchedAddresses,
): Promise<Log[]> {
  const found: Log[] = [];
  let next = range.from;
  while (next <= range.to) {
    const last = Math.min(range.to, next + size.blocks - 1);
    const where = { fromBlock: hexOf(next), toBlock: hexOf(last) };
    const logs =
      next === last ? await fetchInParts(node, filter, where, watched) : await tryLogs(node, filter, where);
    if (logs === undefined) {
      size.blocks = Math.max(1, Math.floor((last - next + 1) / 2));
      size.responses = 0;
      continue;
    }
    for (const log of logs) found.push(log);
    next = last + 1;
    size.responses += 1;
    if (size.responses < limits.logRangeAnswers) continue;
    size.blocks *= 2;
    size.responses = 0;
  }
  return found;
}

/**
 * Fetches the logs of one block by its hash, so that a node which does not have the block says so instead of returning none.
 *
 * @throws ChainError `unsettled` if the node does not have the block; otherwise as `fetchLogs`
 */
export async function fetchBlockLogs(
  node: Asked,
  filter: LogFilter,
  blockHash: string,
  watched: WatchedAddresses,
): Promise<Log[]> {
  try {
    return await fetchInParts(node, filter, { blockHash }, watched);
  } catch (error) {
    if (isUnknownBlock(error)) throw new ChainError('The node does not have the block.', 'unsettled');
    throw error;
  }
}

/** Whether a node says that it does not have the block that it was asked about. */
function isUnknownBlock(error: unknown): boolean {
  const isRejected = error instanceof ChainError && error.kind === 'rejected';
  return (
    isRejected && /unknown block|block .*not found|no such block|resource not found/i.test(error.message)
  );
}

/**
 * Fetches all logs of a block, whatever emitted them.
 *
 * @returns undefined if they are more than the node returns or this server reads
 */
export async function fetchWholeBlock(node: Asked, blockHash: string): Promise<Log[] | undefined> {
  try {
    return await node.call('eth_getLogs', [{ blockHash }], readLogs);
  } catch (error) {
    if (!(error instanceof ChainError)) throw error;
    const isTooLarge =
      error.kind === 'too_large' || (error.kind === 'rejected' && tooMany.test(error.message));
    if (isTooLarge) return undefined;
    throw error;
  }
}

/** How providers refuse a response because of its size; no error code is reserved for it. */
const tooMany = /more than|too (many|large|big)|limit|exceed|response size|range/i;

/** Splits the request by contract and then by receiver until the node returns each part. */
async function fetchInParts(
  node: Asked,
  filter: LogFilter,
  where: Where,
  watched: WatchedAddresses,
): Promise<Log[]> {
  const parts = splitFilter(filter, watched);
  if (!parts) return node.call('eth_getLogs', [{ ...filter, ...where }], readLogs);
  const whole = await tryLogs(node, filter, where);
  if (whole) return whole;
  const found: Log[] = [];
  for (const part of parts) for (const log of await fetchInParts(node, part, where, watched)) found.push(log);
  return found;
}

/** @returns undefined if less must be requested */
async function tryLogs(node: Asked, filter: LogFilter, where: Where): Promise<Log[] | undefined> {
  try {
    const found = await node.call('eth_getLogs', [{ ...filter, ...where }], readLogs);
    return found.length >= limits.logsPerAnswer ? undefined : found;
  } catch (error) {
    const isTooLarge =
      error instanceof ChainError && (error.kind === 'rejected' || error.kind === 'too_large');
    if (isTooLarge && !isUnknownBlock(error)) return undefined;
    throw error;
  }
}

/** The parts of a filter, which together select the same transfers to watched addresses; undefined if it is one contract and receiver. */
function splitFilter(filter: LogFilter, watched: WatchedAddresses): LogFilter[] | undefined {
  const { address, topics = [] } = filter;
  if (Array.isArray(address) && address.length > 1) {
    return halvesOf(address as readonly string[]).map((half) => ({ ...filter, address: half }));
  }
  const [signature = null, sender = null, receivers] = topics;
  // What one sender has sent cannot be divided by watched receivers.
  if (sender !== null) return undefined;
  const withReceivers = (some: readonly string[]): LogFilter => ({
    ...filter,
    topics: [signature, sender, some],
  });
  if (receivers === undefined || receivers === null) {
    const all = [...watched.keys()].map(addressTopic);
    const parts: LogFilter[] = [];
    for (let at = 0; at < all.length; at += limits.receiversPerPart) {
      parts.push(withReceivers(all.slice(at, at + limits.receiversPerPart)));
    }
    return parts.length > 0 ? parts : undefined;
  }
  return Array.isArray(receivers) && receivers.length > 1
    ? halvesOf(receivers as readonly string[]).map(withReceivers)
    : undefined;
}

function halvesOf<Item>(items: readonly Item[]): [Item[], Item[]] {
  const middle = Math.ceil(items.length / 2);
  return [items.slice(0, middle), items.slice(middle)];
}

const hexOf = (height: number): string => `0x${height.toString(16)}`;
