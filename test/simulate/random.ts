import { hash } from 'node:crypto';

/** Seeded randomness (mulberry32): the same seed gives the same numbers on every machine. */
export interface Random {
  /** 0 ≤ n < below */
  below(below: number): number;
  chance(percent: number): boolean;
  pick<Item>(items: readonly Item[]): Item;
  fill(target: Uint8Array): void;
}

export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number): number => Math.floor(next() * limit);
  return {
    below,
    chance: (percent) => next() * 100 < percent,
    pick: (items) => items[below(items.length)] as (typeof items)[number],
    fill(target) {
      for (let index = 0; index < target.length; index += 1) target[index] = below(256);
    },
  };
}

/** A running SHA-256 over everything that happened. */
export function createTrace() {
  let digest = '';
  return {
    add(line: string): void {
      digest = hash('sha256', `${digest}\n${line}`, 'hex');
    },
    digest: () => digest,
  };
}
