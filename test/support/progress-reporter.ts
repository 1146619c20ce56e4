import type { Reporter, TestModule, TestSpecification, Vitest } from 'vitest/node';

const intervalMs = 15_000;
const longMs = 60_000;

/**
 * Says every 15 seconds how many test files have ended, how long the run has taken, and which files have been running for
 * more than a minute.
 */
export default class ProgressReporter implements Reporter {
  readonly #running = new Map<string, number>();
  #vitest: Vitest | undefined;
  #timer: NodeJS.Timeout | undefined;
  #startedMs = 0;
  #count = 0;
  #ended = 0;

  onInit(vitest: Vitest): void {
    this.#vitest = vitest;
  }

  onTestRunStart(specifications: readonly TestSpecification[]): void {
    this.#startedMs = performance.now();
    this.#count = specifications.length;
    this.#ended = 0;
    this.#timer = setInterval(() => this.#say(), intervalMs).unref();
  }

  onTestModuleStart(module: TestModule): void {
    this.#running.set(module.relativeModuleId, performance.now());
  }

  onTestModuleEnd(module: TestModule): void {
    this.#running.delete(module.relativeModuleId);
    this.#ended += 1;
  }

  onTestRunEnd(): void {
    clearInterval(this.#timer);
  }

  #say(): void {
    const nowMs = performance.now();
    const long = [...this.#running]
      .map(([file, sinceMs]) => ({ file, tookMs: nowMs - sinceMs }))
      .filter(({ tookMs }) => tookMs > longMs)
      .map(({ file, tookMs }) => `${file} (${clock(tookMs)})`);
    const running = long.length === 0 ? '' : `; running for more than a minute: ${long.join(', ')}`;
    const elapsed = clock(nowMs - this.#startedMs);
    this.#vitest?.logger.log(`── ${this.#ended} of ${this.#count} files, ${elapsed}${running}`);
  }
}

/** Minutes and seconds, as `3:07`. */
function clock(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}
