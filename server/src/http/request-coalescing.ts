/**
 * Reads that are the same share one: who asks while a read of that name is running waits for its end, and is then given
 * the next one, together with all who have asked meanwhile. A read always starts after those who get its result have
 * asked, so nobody is given the past (decision 0015).
 */
export interface SharedReads<Result> {
  /** @param name two reads of one name have the same result */
  read(name: string, run: () => Promise<Result>): Promise<Result>;
}

interface Turn<Result> {
  /** Ends, well or not, with the read that is running. */
  running: Promise<unknown>;
  /** The read after it, once somebody has asked. */
  next: Promise<Result> | undefined;
}

export function createSharedReads<Result>(): SharedReads<Result> {
  const turns = new Map<string, Turn<Result>>();

  const begin = (name: string, run: () => Promise<Result>): Promise<Result> => {
    const result = run();
    const turn: Turn<Result> = { running: result, next: undefined };
    turns.set(name, turn);
    const end = (): void => {
      if (!turn.next) turns.delete(name);
    };
    result.then(end, end);
    return result;
  };

  return {
    read(name, run) {
      const turn = turns.get(name);
      if (!turn) return begin(name, run);
      turn.next ??= turn.running.then(
        () => begin(name, run),
        () => begin(name, run),
      );
      return turn.next;
    },
  };
}
