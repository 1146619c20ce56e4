/** Shows the figures, on a terminal and in the documentation. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../scripts/checkout.mjs';

const heads = ['name', 'figure', 'baseline', 'ratio', 'must reach', 'ok'];
const document = join(root, 'docs/performance.md');
const [begin, end] = ['<!-- figures of npm run bench -->', '<!-- end of the figures -->'];

function cells({ name, figure, baseline, ratio, mustReach, ok }) {
  const verdict = ok === undefined ? '' : ok ? 'yes' : 'NO';
  return [name, figure, baseline ?? '', ratio ?? '', mustReach ?? '', verdict];
}

/** The figures as a table that reads well as plain text and is Markdown. */
export function tableText({ figures }) {
  const lines = [heads, ...figures.map(cells)];
  const widths = heads.map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  const line = (texts) => `| ${texts.map((text, column) => text.padEnd(widths[column])).join(' | ')} |`;
  return [
    line(heads),
    line(widths.map((width) => '-'.repeat(width))),
    ...figures.map((row) => line(cells(row))),
  ].join('\n');
}

/** The names of the figures that are not what they must be. */
export function shortfalls({ figures }) {
  return figures.filter(({ ok }) => ok === false).map(({ name }) => name);
}

/** Puts the table between the two marks of docs/performance.md. */
export function writeDocument(result) {
  const text = readFileSync(document, 'utf8');
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`${document} has lost the marks around its figures`);
  const when = `Taken on ${result.date.slice(0, 10)}: ${result.machine}; the whole run took ${result.seconds} s;\nload average of the quarter of an hour before its end: ${result.load}.`;
  const middle = `${begin}\n\n${tableText(result)}\n\n${when}\n\n`;
  writeFileSync(document, text.slice(0, from) + middle + text.slice(to));
  // Tables as `npm run check` wants them.
  const biome = join(root, 'node_modules/@biomejs/biome/bin/biome');
  spawnSync(process.execPath, [biome, 'format', '--write', document], { stdio: 'ignore' });
}

export function perSecond(rate) {
  return `${Math.round(rate).toLocaleString('en')}/s`;
}

/** A figure that is compared with another one. */
export function compared(name, rate, baselineRate, atLeast, baselineName = '') {
  const ratio = rate / baselineRate;
  return {
    name,
    figure: perSecond(rate),
    baseline: `${perSecond(baselineRate)}${baselineName}`,
    ratio: `${ratio.toFixed(2)} ×`,
    mustReach: `≥ ${atLeast} ×`,
    ok: ratio >= atLeast,
    values: { rate, baselineRate, ratio },
  };
}
