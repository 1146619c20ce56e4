import { describe, expect, test } from 'vitest';
import type { ChainPort } from '../../chains/port.ts';
import { limits } from '../../platform/limits.ts';
import { findFork } from './reorganisation.ts';

/** A chain whose blocks above `fork` are others than those that are kept. */
function forkedAt(fork: number) {
  const asked: number[] = [];
  const blockIds = async (height: number): Promise<readonly string[]> => {
    asked.push(height);
    return [height <= fork ? `old ${height}` : `new ${height}`];
  };
  const port = { config: { agreement: 1 }, reader: { blockIds } } as unknown as ChainPort;
  return { asked, port };
}

/** Kept blocks from the newest height down, every so many heights. */
const keptFrom = (newest: number, oldest: number, every: number) =>
  Array.from({ length: Math.floor((newest - oldest) / every) + 1 }, (_, index) => {
    const height = newest - index * every;
    return { height, id: `old ${height}` };
  });

describe('where a chain forked', () => {
  const cursor = { confirmed: 5000, first: 0 };
  const kept = keptFrom(5000, 900, 4);

  test.each([4998, 4000, 3977, 1024, 900])('is found at or below block %i by few questions', async (fork) => {
    const { asked, port } = forkedAt(fork);
    const found = await findFork(port, kept, cursor);
    expect(found.fork).toBe(fork - (fork % 4));
    expect(found.former.height).toBe(fork - (fork % 4) + 4);
    expect(asked.length).toBeLessThanOrEqual(11);
  });

  test('is before the first block if none is the same and none was pruned', async () => {
    const { port } = forkedAt(0);
    const young = keptFrom(60, 12, 4);
    expect(await findFork(port, young, { confirmed: 60, first: 10 })).toMatchObject({ fork: 9 });
    expect(await findFork(port, young, { confirmed: 60, first: 0 })).toMatchObject({ fork: -1 });
  });

  test('is unknown below the oldest kept block: the operator is told, and nothing is guessed', async () => {
    const { port } = forkedAt(100);
    expect(await findFork(port, kept, cursor)).toEqual({ fork: undefined, former: kept.at(-1) });
    const unknown = { confirmed: 60, first: undefined };
    expect((await findFork(forkedAt(0).port, keptFrom(60, 12, 4), unknown)).fork).toBeUndefined();
    expect(limits.confirmedBlockWindow).toBeGreaterThanOrEqual(1024);
  });
});
