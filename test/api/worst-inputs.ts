/** A search for the inputs that cost a parser most, from small to large. */

/** A parser or validator under the search. */
export interface Target {
  readonly name: string;
  /** The longest input that gets as far as this parser. */
  readonly maxBytes: number;
  /** Below this, what it costs to start hides all else; 256 when left out. */
  readonly minBytes?: number;
  /** What it cannot do without, around the part that grows. */
  readonly frames: readonly Frame[];
  /** What the part that grows is made of. */
  readonly tokens: readonly string[];
  run(input: string): unknown;
}

export interface Frame {
  readonly start: string;
  readonly end: string;
}

/** How an input is made; its size is apart. */
interface Recipe {
  readonly frame: Frame;
  readonly unit: string;
  /** Closes what the unit opens, in reverse order: nesting. */
  readonly close: string;
  readonly tail: string;
}

/** The worst that was found for a target. */
export interface Worst {
  readonly name: string;
  readonly bytes: number;
  /** CPU time against that of what is plain, of the same size. */
  readonly ratio: number;
  readonly ms: number;
  /** The beginning of the input. */
  readonly input: string;
}

/** A stream of numbers from 0 to 1 that its seed repeats (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const smallestBytes = 256;
/** Enough for a clock that has microseconds. */
const shortestMs = 0.4;
/** What is measured again before it is believed: a busy machine makes everything look slow once. */
const suspicious = 8;

/**
 * Searches for the worst inputs of a target: recipes of random tokens, the costliest of which are changed and grown,
 * size by size up to the largest.
 *
 * @param plain what the cost is compared with, by size
 * @param rounds how many recipes are tried at each size
 */
export async function findWorst(
  target: Target,
  plain: (bytes: number) => () => unknown,
  random: () => number,
  rounds: number,
): Promise<Worst> {
  const plainMs = new Map<number, number>();
  const kept: { recipe: Recipe; ratio: number }[] = [];
  let worst: Worst = { name: target.name, bytes: 0, ratio: 0, ms: 0, input: '' };
  for (
    let bytes = Math.min(target.minBytes ?? smallestBytes, target.maxBytes);
    ;
    bytes = Math.min(bytes * 4, target.maxBytes)
  ) {
    const grown = kept.splice(0).map(({ recipe }) => recipe);
    const tried = Array.from({ length: rounds }, (_, index) =>
      index < grown.length ? (grown[index] as Recipe) : newRecipe(target, grown, random),
    );
    for (const recipe of tried) {
      const input = cook(recipe, bytes);
      const run = (): unknown => target.run(input);
      // A frame can be longer than what it frames.
      const length = Math.max(bytes, input.length);
      const base = plainMs.get(length) ?? (await costMs(plain(length), 5));
      plainMs.set(length, base);
      let ms = await costMs(run, 1);
      if (ms / base > suspicious) ms = Math.min(ms, await costMs(run, 5));
      const ratio = ms / base;
      kept.push({ recipe, ratio });
      if (ratio > worst.ratio)
        worst = { name: target.name, bytes: length, ratio, ms, input: input.slice(0, 200) };
    }
    kept.sort((one, other) => other.ratio - one.ratio);
    kept.splice(Math.max(2, rounds / 4));
    if (bytes === target.maxBytes) return worst;
  }
}

/** A new recipe, or one of the costliest with a change. */
function newRecipe({ frames, tokens }: Target, good: readonly Recipe[], random: () => number): Recipe {
  const any = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)] as Item;
  const unit = Array.from({ length: 1 + Math.floor(random() * 3) }, () => any(tokens)).join('');
  const fresh = {
    frame: any(frames),
    unit,
    close: random() < 0.2 ? any(tokens) : '',
    tail: random() < 0.4 ? any(tokens) : '',
  };
  if (good.length === 0 || random() < 0.5) return fresh;
  const base = any(good);
  return any([
    { ...base, unit: base.unit + any(tokens) },
    { ...base, tail: any(tokens) },
    { ...base, frame: fresh.frame },
    { ...base, unit: fresh.unit },
  ]);
}

/** `#` in a unit stands for a number that is another each time. */
function cook({ close, frame, tail, unit }: Recipe, bytes: number): string {
  const room = bytes - frame.start.length - frame.end.length - tail.length;
  const count = Math.max(1, Math.floor(room / (unit.length + close.length)));
  const middle = unit.includes('#')
    ? Array.from({ length: count }, (_, index) => unit.replaceAll('#', String(index))).join('')
    : unit.repeat(count);
  // A list must not end with its comma.
  const list = `${middle}${tail}${close.repeat(count)}`;
  return `${frame.start}${frame.end === '' ? list : list.replace(/,$/, '')}${frame.end}`;
}

/** The least CPU milliseconds that one run takes, over some batches that are long enough to be measured. */
async function costMs(run: () => unknown, batches: number): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  let times = 1;
  for (let batch = 0; batch < batches; ) {
    const start = process.cpuUsage();
    for (let index = 0; index < times; index += 1) {
      const result = run();
      if (result instanceof Promise) await result;
    }
    const { system, user } = process.cpuUsage(start);
    const ms = (system + user) / 1000;
    if (ms < shortestMs) {
      times *= ms < shortestMs / 8 ? 8 : 2;
      continue;
    }
    least = Math.min(least, ms / times);
    batch += 1;
  }
  return least;
}
