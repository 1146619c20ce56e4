import fc from 'fast-check';
import type { ReadDocument } from './operations.ts';
import { type FuzzRequest, requestOf } from './requests.ts';
import { createValues } from './values.ts';

/** How many requests are made of each operation, to be taken apart. */
const samples = 200;
/** What goes through all the books, or ends everything, is asked for less often than other things. */
const rare: Readonly<Record<string, number>> = { verifyLedger: 0.05, resetSandbox: 0.1 };

/**
 * Makes requests quickly: of each operation some are made as the fuzzer makes them, and each new one takes its path,
 * query, body, headers and key from different ones of these.
 *
 * @returns gives the next request; without a live key if `isLiveUsed` is false
 */
export function createMixer(
  document: ReadDocument,
  seed: number,
  random: () => number,
): (isLiveUsed: boolean) => FuzzRequest {
  const values = createValues(document);
  const made = document.operations.map((operation, index) =>
    fc.sample(requestOf(operation, values), { numRuns: samples, seed: seed + index }),
  );
  const any = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)] as Item;
  return (isLiveUsed) => {
    for (;;) {
      const requests = any(made);
      const { operation } = any(requests);
      if (random() >= (rare[operation.id] ?? 1)) continue;
      const { body } = any(requests);
      const { credential } = any(requests);
      if (credential === 'live' && !isLiveUsed) continue;
      const { headers } = any(requests);
      const { params } = any(requests);
      const { query } = any(requests);
      return { operation, body, credential, headers, params, query };
    }
  };
}
