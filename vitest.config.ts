import { defineConfig } from 'vitest/config';

/** Tests that compare times or memory: never beside more than one other file. */
const measuring = [
  'test/api/{many-requests,parsers,request-cost,worst-inputs}.test.ts',
  'test/chains/watch-load.test.ts',
  'test/process/{bench,documents-cost,isolation,verify-size,webhooks-load,webhooks-throughput}.test.ts',
];
/** Tests that start nothing but servers in their own process: their files share a process and what it has loaded. */
const inProcess = [
  'server/src/**/*.test.ts',
  'cli/src/**/*.test.ts',
  'test/api/**/*.test.ts',
  'test/docs/**/*.test.ts',
];

const project = (name: string, include: string[], exclude: string[], more: object) => ({
  extends: true as const,
  test: { name, include, exclude, ...more },
});

export default defineConfig({
  test: {
    globalSetup: ['test/support/global-setup.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ['default', './test/support/progress-reporter.ts', './test/support/closing-line-reporter.ts'],
    projects: [
      project('in process', inProcess, measuring, {
        isolate: false,
        maxWorkers: 3,
        sequence: { groupOrder: 0 },
      }),
      project('processes', ['test/**/*.test.ts'], [...inProcess, ...measuring], {
        maxWorkers: 4,
        sequence: { groupOrder: 1 },
      }),
      project('measuring', measuring, [], { maxWorkers: 2, sequence: { groupOrder: 2 } }),
    ],
  },
});
