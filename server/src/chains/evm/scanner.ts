import { limits } from '../../platform/limits.ts';
import { mapInBatches } from '../batches.ts';
import type { EvmConfig } from '../config.ts';
import { ChainError } from '../errors.ts';
import type { Node } from '../node.ts';
import type { SeenTransfer, WatchedAddresses } from '../port.ts';
import { blockIdAt, headerAt } from './blocks.ts';
import { addressTopic, transferTopic } from './erc20.ts';
import { proveLogs, type WholeBlocks } from './log-proof.ts';
import { fetchBlockLogs, fetchLogs, type LogFilter, type LogRange } from './logs.ts';
import type { Header, Log } from './responses.ts';
import { readTransfers, type TokensByAddress } from './transfers.ts';

/** What is read of a chain. */
export interface ScanRequest {
  readonly from: number;
  readonly to: number;
  readonly watched: WatchedAddresses;
  /** The tokens that are configured, or all others. */
  readonly tokens: 'configured' | 'other';
  /** From this height on blocks are asked for by their hashes: nodes that lag return no logs of a range that they do not have. */
  readonly nearFrom: number;
  /** Whether the node itself must prove that its answer is complete. */
  readonly isProven: boolean;
}

/** The transfers in a range of blocks, as one node reports them. */
export interface Scanned {
  /** The id of the last block. */
  readonly lastId: string;
  readonly transfers: SeenTransfer[];
}

/** Reads the transfers of a range of blocks from one node. */
export type Scanner = (node: Node, request: ScanRequest) => Promise<Scanned>;

/** Creates the scanner of an EVM chain. It remembers how many blocks each node can be asked about. */
export function createScanner(config: EvmConfig): Scanner {
  const tokens: TokensByAddress = new Map(config.tokens.map((token) => [token.address.toLowerCase(), token]));
  const sizes = new WeakMap<Node, LogRange>();
  const sizeFor = (node: Node): LogRange => {
    const size = sizes.get(node) ?? { blocks: config.blockRange, responses: 0 };
    sizes.set(node, size);
    return size;
  };
  return async (node, request) => {
    const filters = filtersFor(tokens, request);
    const { ids, logs } = await readLogs(node, filters, request, sizeFor(node));
    const found = request.tokens === 'other' ? logs.filter(({ address }) => !tokens.has(address)) : logs;
    const transfers = readTransfers(found, { ...request, ids }, request.watched, tokens);
    return { lastId: ids.get(request.to) ?? '', transfers };
  };
}

/**
 * Chooses the filters. The node filters by receiver while there are few addresses; with many, all transfers are fetched and matched
 * here. What the watched sender has sent is asked for apart, because a large answer is split by receivers.
 */
function filtersFor(tokens: TokensByAddress, { tokens: which, watched }: ScanRequest): LogFilter[] {
  const address = which === 'configured' ? [...tokens.keys()] : undefined;
  const receivers = watched.size > limits.watchedTopics ? undefined : [...watched.keys()].map(addressTopic);
  const filters: LogFilter[] = [];
  if (watched.size > 0)
    filters.push({ address, topics: receivers ? [transferTopic, null, receivers] : [transferTopic] });
  if (watched.sender !== undefined && which === 'configured')
    filters.push({ address, topics: [transferTopic, [addressTopic(watched.sender)]] });
  return filters;
}

interface FoundLogs {
  /** The ids of the blocks that are known, by height. */
  readonly ids: ReadonlyMap<number, string>;
  readonly logs: readonly Log[];
}

async function readLogs(
  node: Node,
  filters: readonly LogFilter[],
  request: ScanRequest,
  size: LogRange,
): Promise<FoundLogs> {
  const { from, nearFrom, to } = request;
  if (from >= nearFrom) return readByHash(node, filters, request);
  if (to < nearFrom) return readByRange(node, filters, request, size);
  const far = await readByRange(node, filters, { ...request, to: nearFrom - 1 }, size);
  const near = await readByHash(node, filters, { ...request, from: nearFrom }, far.ids.get(nearFrom - 1));
  return { ids: new Map([...far.ids, ...near.ids]), logs: [...far.logs, ...near.logs] };
}

/** @param before the id of the block before the first; undefined if it is not known */
async function readByHash(
  node: Node,
  filters: readonly LogFilter[],
  request: ScanRequest,
  before?: string,
): Promise<FoundLogs> {
  const { isProven, watched } = request;
  const headers = await readHeaders(node, request);
  if (before !== undefined && headers[0]?.parentId !== before) {
    throw new ChainError('The chain changed during the read.', 'unsettled');
  }
  const found = await mapInBatches(headers, limits.evmBlockConcurrency, async (header) => {
    const logs: Log[] = [];
    const wholeBlocks: WholeBlocks = new Map();
    for (const filter of filters) {
      const part = await fetchBlockLogs(node, filter, header.id, watched);
      const proven = isProven ? await proveLogs(node, header, filter, part, wholeBlocks) : part;
      for (const log of proven) logs.push(log);
    }
    return logs;
  });
  return { ids: idsOf(headers), logs: found.flat() };
}

async function readByRange(
  node: Node,
  filters: readonly LogFilter[],
  request: ScanRequest,
  size: LogRange,
): Promise<FoundLogs> {
  const { isProven, to, watched } = request;
  // A node that has not reached the block returns no logs instead of an error.
  const headers = await readHeaders(node, isProven ? request : { from: to, to });
  const found: { readonly filter: LogFilter; readonly logs: readonly Log[] }[] = [];
  for (const filter of filters)
    found.push({ filter, logs: await fetchLogs(node, filter, request, size, watched) });
  if ((await blockIdAt(node, to)) !== headers.at(-1)?.id) {
    throw new ChainError('The chain changed during the read.', 'unsettled');
  }
  const logs: Log[] = [];
  for (const { filter, logs: part } of found) {
    if (!isProven) {
      for (const log of part) logs.push(log);
      continue;
    }
    const byHeight = Map.groupBy(part, ({ block }) => block.height);
    const proven = await mapInBatches(headers, limits.evmBlockConcurrency, (header) =>
      proveLogs(node, header, filter, byHeight.get(header.height) ?? []),
    );
    for (const log of proven.flat()) logs.push(log);
  }
  return { ids: idsOf(headers), logs };
}

/** Reads the headers of a range, each of which must be the parent of the next. */
async function readHeaders(
  node: Node,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<Header[]> {
  const heights = Array.from({ length: to - from + 1 }, (_, index) => from + index);
  const headers = await mapInBatches(heights, limits.evmBlockConcurrency, async (height) => {
    const header = await headerAt(node, height);
    if (!header) throw new ChainError(`The node has not reached block ${height}.`, 'unsettled');
    return header;
  });
  headers.forEach((header, at) => {
    const before = headers[at - 1];
    if (before && header.parentId !== before.id) {
      throw new ChainError('The chain changed during the read.', 'unsettled');
    }
  });
  return headers;
}

const idsOf = (headers: readonly Header[]): Map<number, string> =>
  new Map(headers.map(({ height, id }) => [height, id]));
