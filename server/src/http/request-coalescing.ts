/**
 * Coalesces equal requests for the same data. A caller that arrives while a read of its key is running shares the next
 * read of that key with all others that arrive meanwhile. A shared read always starts after its callers have asked, so
 * that none gets stale data (decision 0015).
 */
export interface RequestCoalescer<Result> {
  /** @param key two reads with the same key have the same result */
  read(key: string, run: () => Promise<Result>): Promise<Result>;
}

interface Reads<Result> {
  /** Settles with the read that is running. */
  running: Promise<unknown>;
  /** The read that follows it; undefined until a caller asks for it. */
  next: Promise<Result> | undefined;
}

export function createRequestCoalescer<Result>(): RequestCoalescer<Result> {
  const readsByKey = new Map<string, Reads<Result>>();

  const begin = (key: string, run: () => Promise<Result>): Promise<Result> => {
    const result = run();
    const reads: Reads<Result> = { running: result, next: undefined };
    readsByKey.set(key, reads);
    const end = (): void => {
      if (!reads.next) readsByKey.delete(key);
    };
    result.then(end, end);
    return result;
  };

  return {
    read(key, run) {
      const reads = readsByKey.get(key);
      if (!reads) return begin(key, run);
      reads.next ??= reads.running.then(
        () => begin(key, run),
        () => begin(key, run),
      );
      return reads.next;
    },
  };
}
