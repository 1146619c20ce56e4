/** `npm run soak -- SUITE`: a suite of tests for longer than `npm test` runs it. Its own options are in soak/suites.mjs. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from './checkout.mjs';
import { prepare } from './prepare.mjs';
import { forms, suites } from './soak/suites.mjs';

/** @typedef {import('./soak/suites.mjs').Suite} Suite */
/** @typedef {import('./soak/suites.mjs').Values} Values */

const overview = `Usage: npm run soak -- SUITE [options]

Runs a suite of tests for longer than npm test does.

Suites:
${Object.entries(suites)
  .map(([name, { title }]) => `  ${name.padEnd(17)}${title}`)
  .join('\n')}

Options of every suite:
  --minutes <n>  how long
  --seed <n>     where chance starts, of suites that have it: the seed that a run prints repeats it
  --help         show this text; after the name of a suite, its own options
`;

/**
 * @param {string} name
 * @param {Suite} suite
 */
function helpOf(name, { about, minutes, more, names, options, seed }) {
  const shown = Object.entries(options).map(([option, { fallback, isFlag, text }]) => [
    `--${option}${isFlag ? '' : ' <n>'}`,
    fallback === undefined ? text : `${text} (default ${fallback})`,
  ]);
  shown.unshift([
    '--minutes <n>',
    minutes ? `how long (default ${minutes.fallback})` : 'run it again until so many minutes are over',
  ]);
  if (seed) shown.push(['--seed <n>', 'where chance starts: the seed that a run prints repeats it']);
  shown.push(['--help', 'show this text']);
  const width = Math.max(...shown.map(([option = '']) => option.length)) + 2;
  const lines = shown.map(
    ([option = '', text = '']) =>
      `  ${option.padEnd(width)}${text.replaceAll('\n', `\n${' '.repeat(width + 2)}`)}`,
  );
  const usage = `Usage: npm run soak -- ${name}${names ? ' [NAME…]' : ''} [options]`;
  return `${usage}\n\n${about}\n\nOptions:\n${lines.join('\n')}\n${more?.() ?? ''}`;
}

/** @returns {never} */
function fail(/** @type {string} */ message, /** @type {string} */ help) {
  process.stderr.write(`error: ${message}\n\n${help}`);
  process.exit(1);
}

/**
 * Reads the options of a suite.
 *
 * @param {string} name
 * @param {Suite} suite
 * @param {string[]} args what follows the name of the suite
 */
function readOptions(name, suite, args) {
  /** @type {Record<string, { type: 'string' | 'boolean', short?: string }>} */
  const types = { minutes: { type: 'string' }, help: { type: 'boolean', short: 'h' } };
  for (const [option, { isFlag }] of Object.entries(suite.options))
    types[option] = { type: isFlag ? 'boolean' : 'string' };
  if (suite.seed) types.seed = { type: 'string' };
  try {
    const { positionals, values: read } = parseArgs({ args, options: types, allowPositionals: true });
    const values = /** @type {Values} */ ({ ...read });
    if (values.help) return { isHelp: true, values, files: [] };
    for (const [option, value] of Object.entries(values)) {
      const form = option === 'minutes' ? forms.minutes : (suite.options[option]?.form ?? forms.anyNumber);
      if (typeof value === 'string' && !form.pattern.test(value))
        throw new Error(`--${option} must be ${form.rule}.`);
    }
    const unknown = positionals.find((given) => !suite.names?.includes(given));
    if (unknown !== undefined)
      throw new Error(
        `There is no ${unknown}${suite.names ? `: ${suite.names.join(', ')}` : ` in ${name}`}.`,
      );
    return { isHelp: false, values, files: suite.files(values, positionals) };
  } catch (error) {
    return fail(/** @type {Error} */ (error).message, `npm run soak -- ${name} --help lists the options.\n`);
  }
}

/**
 * The environment variables of one run.
 *
 * @param {Suite} suite
 * @param {Values} values
 * @param {number} round from 0
 */
function environmentOf(suite, values, round) {
  /** @type {Record<string, string>} */
  const env = { ...suite.env };
  for (const [option, { env: name, fallback }] of Object.entries(suite.options)) {
    const value = values[option] ?? fallback;
    if (name && value !== undefined) env[name] = String(value);
  }
  if (suite.seed && values.seed !== undefined) env[suite.seed] = String(Number(values.seed) + round);
  if (suite.minutes) {
    // A seed alone repeats one run.
    const minutes = values.minutes ?? (values.seed === undefined ? suite.minutes.fallback : undefined);
    if (minutes !== undefined) env[suite.minutes.env] = String(minutes);
  }
  return env;
}

/**
 * @param {string} file
 * @param {readonly string[]} args
 * @param {Record<string, string>} env
 * @returns {Promise<number>} the exit code
 */
function run(file, args, env) {
  const program = [join(root, 'node_modules/vitest/vitest.mjs'), 'run', file, '--disable-console-intercept'];
  const child = spawn(process.execPath, [...program, ...args], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...env },
  });
  return new Promise((resolve) => child.once('exit', (code) => resolve(code ?? 1)));
}

/**
 * @param {Suite} suite
 * @param {Values} values
 * @param {readonly string[]} files
 * @returns {Promise<number>} the exit code
 */
async function runSuite(suite, values, files) {
  // A Ctrl-C reaches vitest too; wait for it to tidy up, and begin nothing new.
  let isInterrupted = false;
  process.on('SIGINT', () => {
    isInterrupted = true;
  });
  const endMs = suite.minutes ? 0 : performance.now() + Number(values.minutes ?? 0) * 60_000;
  const failed = [];
  let runs = 0;
  for (let round = 0; round === 0 || performance.now() < endMs; round += 1) {
    for (const file of files) {
      if (isInterrupted) break;
      runs += 1;
      if ((await run(file, suite.args ?? [], environmentOf(suite, values, round))) !== 0) failed.push(file);
    }
    if (isInterrupted || failed.length > 0) break;
  }
  const verdict =
    failed.length > 0 ? `failed: ${failed.join(', ')}` : isInterrupted ? 'interrupted' : 'passed';
  process.stdout.write(`soak ${verdict} (runs: ${runs})\n`);
  return failed.length > 0 || isInterrupted ? 1 : 0;
}

const [name, ...args] = process.argv.slice(2);
const suite = name === undefined ? undefined : suites[name];
if (name === '--help' || name === '-h') process.stdout.write(overview);
else if (name === undefined || suite === undefined)
  fail(name === undefined ? 'Name a suite.' : `There is no suite ${name}.`, overview);
else {
  const { files, isHelp, values } = readOptions(name, suite, args);
  if (isHelp) process.stdout.write(helpOf(name, suite));
  else {
    await prepare();
    process.exitCode = await runSuite(suite, values, files);
  }
}
