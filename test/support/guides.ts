import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The guides of `docs/guides/`, as readers use them. */

const folder = join(import.meta.dirname, '../../docs/guides');

/** The text of a guide. */
export function readGuide(name: string): string {
  return readFileSync(join(folder, `${name}.md`), 'utf8');
}

/** The blocks of code whose fence says `info`, such as `sh run`. */
export function codeBlocks(text: string, info: string): string[] {
  return [...text.matchAll(new RegExp(`^\`\`\`${info}\n([\\s\\S]*?)\n\`\`\`$`, 'gm'))].map(
    ([, code = '']) => code,
  );
}

/** The module that a block of JavaScript in a guide is. */
export async function importSnippet<Module>(guide: string, name: string): Promise<Module> {
  const [code] = codeBlocks(readGuide(guide), `js ${name}`);
  if (code === undefined) throw new Error(`The guide ${guide} has no block js ${name}`);
  return (await import(`data:text/javascript,${encodeURIComponent(code)}`)) as Module;
}

/** The rows of the table under a heading, each with its cells in Markdown. */
export function tableRows(text: string, heading: string): string[][] {
  const section = text.split(new RegExp(`^#+ ${heading}$`, 'm'))[1]?.split(/^#/m)[0] ?? '';
  const lines = section.split('\n').filter((line) => line.startsWith('|'));
  return lines.slice(2).map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  );
}
