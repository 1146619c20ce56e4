import { expect, it } from 'vitest';
import { plainBody, readJson } from './parser-targets.ts';
import { findWorst, seededRandom } from './worst-inputs.ts';

const search = (run: (text: string) => unknown) =>
  findWorst(
    { name: 'x', maxBytes: 4096, frames: [{ start: '', end: '' }], tokens: ['a', 'b', '0', '1'], run },
    (bytes) => {
      const body = plainBody(bytes);
      return () => readJson(body);
    },
    seededRandom(1),
    10,
  );

it('the search finds what takes time that grows with the square', async () => {
  expect((await search((text) => text.replace(/0+$/, ''))).ratio).toBeGreaterThan(20);
});

it('and nothing in what does not', async () => {
  expect((await search((text) => /^[0-9]+$/.test(text))).ratio).toBeLessThan(20);
});
