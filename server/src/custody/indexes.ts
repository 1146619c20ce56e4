import { assert } from '../platform/errors.ts';
import { limits } from '../platform/limits.ts';
import type { Command } from '../writer/command.ts';
import type { Writer } from '../writer/writer.ts';

/** Allocates derivation indexes. No two wallets share one. */
export interface IndexSource {
  /** Takes an index that no wallet has. */
  take(): Promise<number>;
}

/** Reserves a block of indexes from a lane's counter. Index = counter × 64 + lane, so lanes never share an index. */
function reserveIndexes(bucket: number): Command<number[]> {
  return {
    name: 'reserve_derivation_indexes',
    environmentId: 'deployment',
    bucket,
    reads: ({ lane }) => [{ table: 'derivation_counters', bucket: lane, id: counterId(lane) }],
    decide(state, { lane }) {
      const id = counterId(lane);
      const first = state.get('derivation_counters', id)?.next_counter ?? 0n;
      const next = first + BigInt(limits.derivationBlock);
      const result = Array.from(
        { length: limits.derivationBlock },
        (_, step) => (Number(first) + step) * limits.buckets + lane,
      );
      return {
        result,
        writes: [{ table: 'derivation_counters', row: { bucket: lane, id, next_counter: next } }],
      };
    },
  };
}

function counterId(lane: number): string {
  return `lane ${lane}`;
}

/**
 * Creates an index source that reserves blocks of indexes in the database.
 *
 * @param randomBucket returns 0 to 63; distributes the blocks over the lanes
 */
export function createIndexSource(writer: Writer, randomBucket: () => number): IndexSource {
  const free: number[] = [];
  let reserving: Promise<void> | undefined;

  const reserve = async (): Promise<void> => {
    try {
      const outcome = await writer.submit(reserveIndexes(randomBucket()));
      assert(outcome.kind === 'accepted', 'reserving a block of indexes cannot be refused');
      free.push(...outcome.result);
    } finally {
      reserving = undefined;
    }
  };

  return {
    async take() {
      for (;;) {
        const index = free.shift();
        if (index !== undefined) return index;
        reserving ??= reserve();
        await reserving;
      }
    },
  };
}
