import { expect, it } from 'vitest';
import { ApiError } from '../platform/errors.ts';
import { limits } from '../platform/limits.ts';
import type { Submission, Verdict } from './batch.ts';
import { createLane } from './lane.ts';

/** A lane over a runner whose batches end when the test ends them. */
function setUp() {
  const batches: { names: string[]; end(): void }[] = [];
  const lane = createLane(
    0,
    {
      start: async (take) => {
        const taken = take();
        const names = taken.map(({ command }) => command.name);
        const ended = new Promise<Verdict[]>((resolve) => {
          const verdicts = taken.map(
            (): Verdict => ({ ok: true, outcome: { kind: 'accepted', result: undefined } }),
          );
          batches.push({ names, end: () => resolve(verdicts) });
        });
        return { ended };
      },
    },
    { onBatch: () => undefined, onRetry: () => undefined, onFatal: () => undefined },
    limits.aheadCommands,
  );
  const submit = (kind: 'test' | 'live', name: string = kind) =>
    lane.submit({ command: { name } } as unknown as Submission, kind);
  return { batches, lane, submit };
}

const count = (names: readonly string[], name: string): number =>
  names.filter((other) => other === name).length;

it('a full queue of test commands refuses test commands only, and delays no live command', async () => {
  const { batches, lane, submit } = setUp();
  const waiting = Array.from({ length: limits.queueCommands }, () => submit('test'));
  await expect(submit('test')).rejects.toThrow(ApiError);
  const live = submit('live');
  await expect.poll(() => batches.length).toBe(1);
  expect(batches[0]?.names[0]).toBe('live');
  expect(count(batches[0]?.names ?? [], 'test')).toBe(limits.testCommandsBesideLive);
  batches[0]?.end();
  expect((await live).kind).toBe('accepted');
  // More live commands are expected: batches stay short.
  await expect.poll(() => batches.length).toBeGreaterThan(1);
  expect(batches[1]?.names).toHaveLength(limits.testCommandsBesideLive);
  for (let ended = 1; lane.queued() > 0 || ended < batches.length; ended += 1) {
    await expect.poll(() => batches.length).toBeGreaterThan(ended);
    batches[ended]?.end();
  }
  await Promise.all(waiting);
});

it('a full queue of live commands leaves test commands their part of each batch, in order', async () => {
  const { batches, submit } = setUp();
  const all = Array.from({ length: 1000 }, (_, number) => submit('live', `live ${number}`));
  all.push(...Array.from({ length: 100 }, (_, number) => submit('test', `test ${number}`)));
  for (let ended = 0; ended < 5; ended += 1) {
    await expect.poll(() => batches.length).toBeGreaterThan(ended);
    batches[ended]?.end();
  }
  await Promise.all(all);
  const names = batches.flatMap((batch) => batch.names);
  for (const kind of ['live', 'test']) {
    const numbers = names.filter((name) => name.startsWith(kind)).map((name) => Number(name.split(' ')[1]));
    expect(numbers).toEqual(numbers.map((_, index) => index));
  }
  expect(batches[0]?.names).toHaveLength(limits.batchCommands);
  expect(batches[0]?.names.filter((name) => name.startsWith('test'))).toHaveLength(
    limits.testCommandsBesideLive,
  );
});

it('without live commands a batch takes as many test commands as fit', async () => {
  const { batches, submit } = setUp();
  const all = Array.from({ length: 300 }, () => submit('test'));
  await expect.poll(() => batches.length).toBe(1);
  expect(batches[0]?.names).toHaveLength(limits.batchCommands);
  batches[0]?.end();
  await expect.poll(() => batches.length).toBe(2);
  batches[1]?.end();
  await Promise.all(all);
});
