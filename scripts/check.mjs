/**
 * `npm run check`: format and lint, types, import rules, dead code, the OpenAPI document. Two at a time; what went well takes one line, what
 * did not shows its own words.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from './checkout.mjs';
import { prepare } from './prepare.mjs';

const parallel = 2;
const folders = ['server/src', 'cli/src', 'test'];

const steps = [
  ['types', 'typescript/bin/tsc', ['-p', 'tsconfig.json']],
  ['format and lint', '@biomejs/biome/bin/biome', ['check', '--error-on-warnings', '.']],
  [
    'import rules',
    'dependency-cruiser/bin/dependency-cruise.mjs',
    ['--config', '.dependency-cruiser.cjs', ...present(folders)],
  ],
  ['dead code', 'knip/bin/knip.js', []],
  ['API document', '@redocly/cli/bin/cli.js', ['lint', 'openapi.json']],
];

/** Redocly would ask the network for a newer version, and tell it what was done. */
const silent = { REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' };

/**
 * Runs every step.
 *
 * @returns 0, or the exit code of the first step (in the order above) that failed
 */
export async function check() {
  const codes = [];
  const waiting = [...steps.entries()];
  const worker = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) codes[next[0]] = await run(...next[1]);
  };
  await Promise.all(Array.from({ length: parallel }, worker));
  return codes.find((code) => code !== 0) ?? 0;
}

function run(name, program, args) {
  const started = performance.now();
  const child = spawn(process.execPath, [join(root, 'node_modules', program), ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...silent, ...(process.stdout.isTTY ? { FORCE_COLOR: '1' } : {}) },
  });
  const output = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => output.push(chunk));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      if (code !== 0) process.stdout.write(Buffer.concat(output));
      process.stdout.write(`${code === 0 ? '✓' : '✗'} ${name} (${seconds} s)\n`);
      resolve(code ?? 1);
    });
  });
}

function present(paths) {
  return paths.filter((path) => existsSync(join(root, path)));
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await prepare();
  process.exitCode = await check();
}
