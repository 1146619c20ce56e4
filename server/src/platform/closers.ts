/** Closes what was opened, the latest first. */
export interface Closers {
  add(close: () => Promise<unknown>): void;
  /** Closes everything that was added and has not been closed. @throws the first error; what is left stays open */
  close(): Promise<void>;
}

export function createClosers(): Closers {
  const opened: (() => Promise<unknown>)[] = [];
  return {
    add: (close) => void opened.push(close),
    async close() {
      for (const close of opened.splice(0).reverse()) await close();
    },
  };
}
