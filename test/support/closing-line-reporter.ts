import type { Reporter, TestModule } from 'vitest/node';

/**
 * Ends the run with one plain line of counts, which continuous integration reads. The line before it names the checks that
 * failed before the tests (`FAILED_CHECKS`, set by scripts/test.mjs).
 */
export default class ClosingLineReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    for (const module of modules) {
      if (module.state() === 'failed' && module.errors().length > 0) counts.failed += 1;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'passed') counts.passed += 1;
        else if (state === 'failed') counts.failed += 1;
        else counts.skipped += 1;
      }
    }
    const failedChecks = process.env.FAILED_CHECKS;
    // After the default reporter's own summary.
    setImmediate(() => {
      if (failedChecks) process.stdout.write(`\nChecks failed: ${failedChecks}\n`);
      process.stdout.write(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`);
    });
  }
}
