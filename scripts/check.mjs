/**
 * `npm run check`: types, format and lint, import rules, dead code, the OpenAPI document. Two run concurrently; a step that
 * passes takes one line, a step that fails shows its own output. `npm run format` corrects format and lint instead.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from './checkout.mjs';
import { prepare } from './prepare.mjs';

const parallel = 2;
const folders = ['server/src', 'cli/src', 'test'];

/** @type {readonly [name: string, program: string, args: readonly string[]][]} */
const steps = [
  ['types', 'typescript/bin/tsc', ['-p', 'tsconfig.json']],
  ['types of scripts', 'typescript/bin/tsc', ['-p', 'tsconfig.scripts.json']],
  ['format and lint', '@biomejs/biome/bin/biome', ['check', '--error-on-warnings', '.']],
  [
    'import rules',
    'dependency-cruiser/bin/dependency-cruiser.mjs',
    ['--config', '.dependency-cruiser.cjs', ...present(folders)],
  ],
  ['dead code', 'knip/bin/knip.js', []],
  ['API document', '@redocly/cli/bin/cli.js', ['lint', 'openapi.json']],
];

/** @type {readonly [name: string, program: string, args: readonly string[]]} */
const format = ['format and lint', '@biomejs/biome/bin/biome', ['check', '--write', '.']];

/** Redocly would ask the network for a newer version, and tell it what was done. */
const silent = { REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' };

/**
 * Runs every step.
 *
 * @returns {Promise<string[]>} the names of the steps that failed
 */
export async function check() {
  const waiting = [...steps];
  /** @type {string[]} */
  const failed = [];
  const worker = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      if (!(await passes(...next))) failed.push(next[0]);
    }
  };
  await Promise.all(Array.from({ length: parallel }, worker));
  return failed;
}

/**
 * @param {string} name
 * @param {string} program
 * @param {readonly string[]} args
 * @returns {Promise<boolean>}
 */
function passes(name, program, args) {
  const started = performance.now();
  const child = spawn(process.execPath, [join(root, 'node_modules', program), ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...silent, ...(process.stdout.isTTY ? { FORCE_COLOR: '1' } : {}) },
  });
  /** @type {Buffer[]} */
  const output = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => output.push(chunk));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      if (code !== 0) process.stdout.write(Buffer.concat(output));
      process.stdout.write(`${code === 0 ? '✓' : '✗'} ${name} (${seconds} s)\n`);
      resolve(code === 0);
    });
  });
}

/** @param {readonly string[]} paths */
function present(paths) {
  return paths.filter((path) => existsSync(join(root, path)));
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await prepare();
  if (process.argv.includes('--format')) process.exitCode = (await passes(...format)) ? 0 : 1;
  else {
    const failed = await check();
    if (failed.length > 0) process.stdout.write(`\nChecks failed: ${failed.join(', ')}\n`);
    process.exitCode = failed.length > 0 ? 1 : 0;
  }
}
