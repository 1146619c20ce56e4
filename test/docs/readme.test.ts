import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { guideNames } from '../../server/src/http/docs/guides.ts';
import { headingAnchor } from '../../server/src/http/docs/markdown.ts';
import { runExamples } from '../support/examples.ts';
import { codeBlocks } from '../support/guides.ts';
import { startServer, type TestServer } from '../support/server.ts';

/** The README and the other Markdown files, run and compared with what they describe. */

const root = fileURLToPath(new URL('../../', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const readme = read('README.md');

describe('the commands of the README', () => {
  let server: TestServer;
  const directory = mkdtempSync(join(tmpdir(), 'openledger-readme-'));
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(async () => {
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  it('run as they are written, and every response is a success', async () => {
    const written = codeBlocks(readme, 'sh run').join('\n');
    expect(written).toContain('http://localhost:4000');
    const { answers, code, stderr } = await runExamples(written, server, directory);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const calls = written.split('\n').filter((line) => /\bcall \$URL/.test(line));
    expect(answers).toHaveLength(calls.length);
    for (const answer of answers) expect(JSON.parse(answer)).toMatchObject({ ok: true });
    const balances = answers.flatMap((answer) => JSON.parse(answer).data.balance ?? []);
    expect(balances).toEqual(['14.40', '4.40']);
    expect(answers.some((answer) => answer.includes('"fee":"0.03","netAmount":"9.97"'))).toBe(true);
    expect(JSON.parse(answers.at(-1) ?? '')).toMatchObject({ data: { ok: true, problems: [] } });
  });
});

describe('the README', () => {
  it('has at most 150 lines, and names every guide', () => {
    expect(readme.trimEnd().split('\n').length).toBeLessThanOrEqual(150);
    for (const name of guideNames) expect(readme).toContain(`](docs/guides/${name}.md`);
  });

  it('has the test command that continuous integration runs', () => {
    const command = /## Develop\n+```\n(.*)\n```/.exec(readme)?.[1];
    expect(command).toBe('npm test');
    const lines = read('.ci/run')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    const before = ['set -euo pipefail', 'cd "$(dirname "$0")/.."', 'node scripts/sbom.mjs'];
    expect(lines).toEqual([...before, command]);
    expect(statSync(join(root, '.ci/run')).mode & 0o111).toBe(0o111);
  });

  it('names only npm commands that there are', () => {
    const { scripts } = JSON.parse(read('package.json'));
    const texts = markdownFiles().map(read).join('\n');
    const named = [...texts.matchAll(/npm (?:run )?(start|test|(?<=run )[a-z:]+)\b/g)].map(
      ([, name]) => name,
    );
    expect([...new Set(named)].filter((name) => !((name as string) in scripts))).toEqual([]);
  });
});

/** Every Markdown file of ours, from the top of the checkout. */
function markdownFiles(folder = root): string[] {
  const skipped = ['node_modules', 'dist', '.git', '.openledger'];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return skipped.includes(entry.name) ? [] : markdownFiles(path);
    return entry.name.endsWith('.md') ? [relative(root, path)] : [];
  });
}

/** Paths that a text names in backticks or diagrams and that look like one of our files. */
const pathPattern = /`((?:server|cli|scripts|test|docs)\/[\w./-]+\.(?:ts|mjs|md|sql|json))`/g;

describe('the Markdown files', () => {
  const files = markdownFiles();

  it('are all found', () => {
    expect(files).toEqual(expect.arrayContaining(['README.md', 'docs/invariants.md']));
    expect(files.length).toBeGreaterThan(10);
  });

  it.each(files)('%s has links only to what there is', (file) => {
    const text = read(file);
    const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target as string);
    const broken = links.filter((target) => {
      if (/^[a-z]+:/.test(target)) return false;
      const [path = '', fragment] = target.split('#', 2);
      const full = path === '' ? join(root, file) : join(root, dirname(file), path);
      if (!existsSync(full)) return true;
      return fragment !== undefined && !headingsOf(readFileSync(full, 'utf8')).includes(fragment);
    });
    expect(broken).toEqual([]);
  });

  it.each(files)('%s names only files that there are', (file) => {
    const named = [...read(file).matchAll(pathPattern)].map(([, path]) => path as string);
    expect(named.filter((path) => !/0002_notes|notes/.test(path) && !existsSync(join(root, path)))).toEqual(
      [],
    );
  });
});

/** The anchors of a Markdown file's headings. */
function headingsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) => headingAnchor(title));
}

/** `server/src/` is left out in the tables and steps that say so. */
describe('ARCHITECTURE.md and SECURITY.md', () => {
  it.each(['ARCHITECTURE.md', 'SECURITY.md'])(
    '%s names only sources and functions that there are',
    (file) => {
      const names = [...read(file).matchAll(/`([a-z-]+\/[\w./*-]+\.ts)`(?:,\s+`(\w+)`)?/g)];
      expect(names.length).toBeGreaterThan(5);
      const wrong = names.filter(([, path = '', name]) => {
        if (path.includes('*')) return false;
        const full = [join(root, 'server/src', path), join(root, path)].find((candidate) =>
          existsSync(candidate),
        );
        return full === undefined || (name !== undefined && !readFileSync(full, 'utf8').includes(name));
      });
      expect(wrong.map(([text]) => text)).toEqual([]);
    },
  );
});
