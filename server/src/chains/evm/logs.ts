import { limits } from '../../platform/limits.ts';
import { type Node, RpcError, TooMuchError } from '../node.ts';
import { type Log, logs as readLogs } from './responses.ts';

/** What is asked for: contracts (all when undefined) and topics. */
export interface LogFilter {
  readonly address: readonly string[] | undefined;
  readonly topics: readonly (string | null | readonly string[])[];
}

/** How many blocks a node is asked about at once, as experience has it. */
export interface LogPace {
  blocks: number;
  /** Answers since it was last changed. */
  answers: number;
}

/**
 * Fetches the logs of a range of blocks. Nodes limit how much they answer, each in its own way and words, some by
 * leaving out the rest: whatever is refused, takes too long or is suspiciously much is asked for again in halves, and
 * what comes after it in pieces that small.
 *
 * @throws ChainError when a single block cannot be had, or the node is asked too often
 */
export async function fetchLogs(
  node: Pick<Node, 'call'>,
  filter: LogFilter,
  range: { readonly from: number; readonly to: number },
  pace: LogPace,
): Promise<Log[]> {
  const found: Log[] = [];
  let next = range.from;
  while (next <= range.to) {
    const last = Math.min(range.to, next + pace.blocks - 1);
    const answer = await ask(node, filter, next, last);
    if (answer === undefined) {
      pace.blocks = Math.max(1, Math.floor((last - next + 1) / 2));
      pace.answers = 0;
      continue;
    }
    for (const log of answer) found.push(log);
    next = last + 1;
    pace.answers += 1;
    if (pace.answers < limits.logRangeAnswers) continue;
    pace.blocks *= 2;
    pace.answers = 0;
  }
  return found;
}

/** @returns undefined when less must be asked for */
async function ask(
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
    if (from < to && (error instanceof RpcError || error instanceof TooMuchError)) return undefined;
    throw error;
  }
}
