import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';

const script = fileURLToPath(new URL('../../bench/main.mjs', import.meta.url));

/** One figure of the bench, as its JSON has it. */
interface Figure {
  readonly row: string;
  readonly name: string;
  readonly figure: string;
  readonly mustReach?: string;
  readonly ok?: boolean;
  readonly values?: Readonly<Record<string, number>>;
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'openledger-bench-'));
});
afterAll(() => rm(folder, { recursive: true }));

function bench(args: readonly string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr })));
}

/** It proves itself that every transfer is stored once and that the books are in order; how fast it was is not asked. */
it('measures every row in short, loses no transfer, and writes its figures', async () => {
  const file = join(folder, 'bench.json');
  const { code, stderr, stdout } = await bench(['--quick', '--json', file]);
  expect({ code, stderr }, stderr).toMatchObject({ code: 0 });
  const result = JSON.parse(await readFile(file, 'utf8'));
  const figures: Figure[] = result.figures;
  expect(figures.filter(({ mustReach }) => mustReach).map(({ name }) => name)).toEqual([
    'spread',
    'hot',
    'mixed: reads',
    'mixed: transfers',
    'reads: one',
    'reads: list of 50',
    'growth: spread',
    'growth: list of 50',
    'processes',
    'latency',
    'start',
    'memory',
  ]);
  expect(figures.filter(({ row }) => row === 'limits')).toHaveLength(4);
  for (const { name, ok, values } of figures) {
    expect(stdout).toContain(`| ${name} `);
    // What is left of a mixed second after the others' lone cost is nothing when the machine was busier in the lone run.
    const { ratioCharged = 0, ...measured } = values ?? {};
    expect(ratioCharged, name).toEqual(expect.any(Number));
    for (const value of Object.values(measured).flat()) expect(value, name).toBeGreaterThan(0);
    expect([true, false, undefined]).toContain(ok);
  }
  expect(result).toMatchObject({ quick: true, machine: expect.stringContaining('Node') });
}, 120_000);

it('says what it can do, and what it cannot', async () => {
  expect(await bench(['--help'])).toMatchObject({ code: 0, stdout: expect.stringContaining('--write') });
  const wrong = await bench(['--rows', 'spread,nothing']);
  expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining('There is no row nothing.') });
  const partial = await bench(['--rows', 'spread', '--write']);
  expect(partial).toMatchObject({ code: 1, stderr: expect.stringContaining('--write needs a whole run.') });
});
