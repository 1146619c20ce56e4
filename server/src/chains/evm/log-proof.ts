import { ChainError } from '../errors.ts';
import type { Node } from '../node.ts';
import { type Bloom, bloomOf, isCovered, mayHold } from './bloom.ts';
import { fetchWholeBlock, type LogFilter } from './logs.ts';
import type { Header, Log } from './responses.ts';

/** All logs of blocks by their ids, as one node returned them; undefined for a block that is too large. */
export type WholeBlocks = Map<string, Promise<Log[] | undefined>>;

/**
 * Returns the logs of a block that a filter selects, proven to be complete by one node: by the bloom filter of the block if it holds
 * none, otherwise by all logs of the block, which must be numbered without gaps and explain every bit of that filter.
 *
 * @param found what the node returned for the filter
 * @param wholeBlocks blocks that were read for other filters; updated
 * @returns `found` if the block is too large to be read as a whole: it is read again later
 * @throws ChainError if the node omits logs
 */
export async function proveLogs(
  node: Pick<Node, 'call'>,
  header: Header,
  filter: LogFilter,
  found: readonly Log[],
  wholeBlocks: WholeBlocks = new Map(),
): Promise<readonly Log[]> {
  if (found.length === 0 && header.bloom && !maySelect(header.bloom, filter)) return found;
  const reading = wholeBlocks.get(header.id) ?? fetchWholeBlock(node, header.id);
  wholeBlocks.set(header.id, reading);
  const all = await reading;
  if (!all) return found;
  const indexes = new Set(all.map(({ logIndex }) => logIndex));
  const isGapless = all.every((log) => log.block.id === header.id && log.logIndex < indexes.size);
  const isExplained = header.bloom === undefined || isCovered(header.bloom, bloomOf(all));
  const known = new Set(all.map(keyOf));
  if (isGapless && isExplained && found.every((log) => known.has(keyOf(log)))) {
    return all.filter((log) => isSelected(filter, log));
  }
  throw new ChainError(`The node omits logs of block ${header.height}.`);
}

const keyOf = ({ data, logIndex, topics, txHash }: Log): string => [txHash, logIndex, data, ...topics].join();

/** Whether a block may hold logs that a filter selects, by its bloom filter. */
function maySelect(bloom: Bloom, { address, topics = [] }: LogFilter): boolean {
  return [address, ...topics].every((wanted) => {
    if (wanted === undefined || wanted === null) return true;
    const items: readonly string[] = typeof wanted === 'string' ? [wanted] : wanted;
    return items.some((item) => mayHold(bloom, item.toLowerCase()));
  });
}

function isSelected({ address, topics = [] }: LogFilter, log: Log): boolean {
  const isOne = (
    wanted: string | readonly string[] | null | undefined,
    value: string | undefined,
  ): boolean => {
    if (wanted === undefined || wanted === null) return true;
    return value !== undefined && (typeof wanted === 'string' ? wanted === value : wanted.includes(value));
  };
  return isOne(address, log.address) && topics.every((wanted, at) => isOne(wanted, log.topics[at]));
}
