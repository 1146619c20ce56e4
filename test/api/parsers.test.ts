import { expect, it } from 'vitest';
import { parserTargets, plainBody, readJson } from './parser-targets.ts';
import { findWorst, seededRandom, type Worst } from './worst-inputs.ts';

/**
 * The CPU time of every parser and validator on the worst inputs that can be found, against that of reading a plain JSON
 * body of the same size.
 *
 * FUZZ_SEED repeats a run, FUZZ_MINUTES lets the search go on for so long.
 */
const seed = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31));
const lengthMs = Number(process.env.FUZZ_MINUTES ?? 0) * 60_000;
const mostTimes = 20;
const rounds = 8;

const plain = (bytes: number) => {
  const body = plainBody(bytes);
  return () => readJson(body);
};

it('no input costs more than 20 times what a plain body does', { timeout: lengthMs + 300_000 }, async () => {
  const random = seededRandom(seed);
  const targets = parserTargets();
  const found = new Map<string, Worst>();
  const endMs = performance.now() + lengthMs;
  do {
    for (const target of targets) {
      const worst = await findWorst(target, plain, random, lengthMs === 0 ? rounds : 4 * rounds);
      if (worst.ratio > (found.get(target.name)?.ratio ?? 0)) found.set(target.name, worst);
    }
  } while (performance.now() < endMs);
  const all = [...found.values()].sort((one, other) => other.ratio - one.ratio);
  const shown = all.slice(0, lengthMs === 0 ? 3 : all.length).map(tell);
  process.stdout.write(
    `fuzz: FUZZ_SEED=${seed}, ${targets.length} parsers; the worst:\n${shown.join('\n')}\n`,
  );
  expect(all.filter(({ ratio }) => ratio > mostTimes).map(tell), `FUZZ_SEED=${seed} repeats it`).toEqual([]);
});

function tell({ bytes, input, ms, name, ratio }: Worst): string {
  return `  ${ratio.toFixed(1)} × ${name}: ${bytes} bytes, ${ms.toFixed(3)} ms: ${JSON.stringify(input).slice(0, 100)}`;
}
