import { limits } from '../../platform/limits.ts';
import { ChainError } from '../errors.ts';
import type { Node } from '../node.ts';
import { type Log, logs as readLogs } from './responses.ts';

/** Filter of `eth_getLogs`: contracts (every contract if undefined) and topics. */
export interface LogFilter {
  readonly address: readonly string[] | undefined;
  readonly topics: readonly (string | null | readonly string[])[];
}

/** How many blocks a node is asked about per request, adapted to its responses. */
export interface LogRange {
  blocks: number;
  /** Responses since `blocks` last changed. */
  responses: number;
}

/**
 * Fetches the logs of a range of blocks. Nodes limit their responses in different ways, and some omit the rest silently. A
 * request that is rejected, times out or returns suspiciously many logs is therefore repeated for half the blocks, and later
 * requests keep that size until several have succeeded.
 *
 * @param size the node's current request size; updated
 * @throws ChainError if the logs of a single block cannot be fetched, or the node's rate limit is exceeded
 */
export async function fetchLogs(
  node: Pick<Node, 'call'>,
  filter: LogFilter,
  range: { readonly from: number; readonly to: number },
  size: LogRange,
): Promise<Log[]> {
  const found: Log[] = [];
  let next = range.from;
  while (next <= range.to) {
    const last = Math.min(range.to, next + size.blocks - 1);
    const logs = await getLogs(node, filter, next, last);
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

/** @returns undefined if a smaller range must be requested */
async function getLogs(
  node: Pick<Node, 'call'>,
  filter: LogFilter,
  from: number,
  to: number,
): Promise<Log[] | undefined> {
  const query = { ...filter, fromBlock: `0x${from.toString(16)}`, toBlock: `0x${to.toString(16)}` };
  try {
    const found = await node.call('eth_getLogs', [query], readLogs);
    return found.length >= limits.logsPerAnswer && from < to ? undefined : found;
  } catch (error) {
    const isTooLarge =
      error instanceof ChainError && (error.kind === 'rejected' || error.kind === 'too_large');
    if (from < to && isTooLarge) return undefined;
    throw error;
  }
}
