import { expect, it } from 'vitest';
import { withRetries } from './transaction.ts';

/** Fails with these SQLSTATEs in turn, and succeeds then. */
function failing(...codes: string[]): () => Promise<number> {
  let count = 0;
  return async () => {
    count += 1;
    const code = codes.shift();
    if (code !== undefined) throw Object.assign(new Error('refused'), { code });
    return count;
  };
}

it('runs again after a deadlock and a serialization failure', async () => {
  expect(await withRetries(failing())).toBe(1);
  expect(await withRetries(failing('40P01', '40001'))).toBe(3);
});

it('runs once when the error will not go away', async () => {
  await expect(withRetries(failing('23503', '23503'))).rejects.toMatchObject({ code: '23503' });
});
