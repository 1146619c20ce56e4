import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { main as openledger } from '../../cli/src/main.ts';
import { parseChains } from '../../server/src/chains/config.ts';
import { parsePolicy } from '../../server/src/custody/policy-file.ts';
import { readConfig } from '../../server/src/platform/config.ts';
import { readRulesFile } from '../../server/src/screening/rules.ts';
import { startServer, type TestServer } from '../support/server.ts';

/** The documentation, run and compared with what it tells of. */

const root = fileURLToPath(new URL('../../', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const readme = read('README.md');

/** The README's commands that are to be run as they stand: the `sh` blocks after `<!-- run -->`. */
const commands = [...readme.matchAll(/<!-- run -->\n```sh\n([\s\S]*?)\n```/g)].map(([, text]) => text);

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

  /** Runs a script in bash, which ends at the first command that fails, and keeps every answer that curl gets. */
  async function bash(script: string): Promise<{ code: number; answers: string[]; stderr: string }> {
    const answersFile = join(directory, 'answers');
    const spy = `set -euo pipefail\ncurl() { command curl "$@" | tee -a "$ANSWERS"; }\n`;
    const child = spawn('bash', ['-c', spy + script], {
      cwd: directory,
      env: { PATH: process.env.PATH, KEY: server.testKey, ANSWERS: answersFile },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      stderr += chunk;
    });
    const [code] = await once(child, 'close');
    return { code, stderr, answers: readFileSync(answersFile, 'utf8').split('\n').filter(Boolean) };
  }

  it('run as they are written, and every answer is a success', async () => {
    expect(commands.length).toBeGreaterThan(0);
    const written = commands.join('\n');
    expect(written).toContain('http://localhost:4000');
    const { answers, code, stderr } = await bash(written.replaceAll('http://localhost:4000', server.app.url));
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

/** What the help and the README's table tell of a setting. */
interface Setting {
  readonly variable: string;
  readonly default: string;
}

/** The settings that `--help` lists, by their long flags. */
function settingsOfHelp(): Map<string, Setting> {
  const shown = readConfig(['--help']);
  const options = 'helpText' in shown ? (shown.helpText.split('Options:\n')[1] ?? '') : '';
  const settings = new Map<string, Setting>();
  for (const option of options.split(/\n(?= {2}-)/)) {
    const text = option.replaceAll(/\s+/g, ' ');
    const flag = /(--[a-z-]+)/.exec(text)?.[1];
    if (flag === undefined || flag === '--help') continue;
    settings.set(flag, {
      variable: /env: (\w+)\)/.exec(text)?.[1] ?? '',
      default: (/\(default: "?(.*?)"?(?:, env: \w+)?\)/.exec(text)?.[1] ?? '').trim(),
    });
  }
  return settings;
}

/** The settings of the README's table. */
function settingsOfReadme(): Map<string, Setting> {
  const rows = [...readme.matchAll(/^\| `(--[a-z-]+)` +\|(.*?)\|(.*?)\|.*\|$/gm)];
  const plain = (cell = ''): string => cell.replaceAll('`', '').trim();
  return new Map(
    rows.map(([, flag = '', variable, fallback]) => [
      flag,
      { variable: plain(variable), default: plain(fallback) },
    ]),
  );
}

/** The JSON of a section. */
function jsonOf(section: string): string[] {
  const text = new RegExp(`\\n## ${section}\\n([\\s\\S]*?)\\n## `).exec(readme)?.[1] ?? '';
  return [...text.matchAll(/```json\n([\s\S]*?)\n```/g)].map(([, json = '']) => json);
}

describe('the README', () => {
  it('lists every setting with its environment variable and default, and no other', () => {
    const settings = settingsOfHelp();
    expect(settings.get('--port')).toEqual({ variable: 'PORT', default: '4000' });
    expect(Object.fromEntries(settingsOfReadme())).toEqual(Object.fromEntries(settings));
  });

  it('has the test command that continuous integration runs', () => {
    const command = /## Test\n+```\n(.*)\n```/.exec(readme)?.[1];
    expect(command).toBe('npm test');
    const lines = read('.ci/run')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    const before = ['set -euo pipefail', 'cd "$(dirname "$0")/.."', 'node scripts/sbom.mjs'];
    expect(lines).toEqual([...before, command]);
    expect(statSync(join(root, '.ci/run')).mode & 0o111).toBe(0o111);
  });

  it('shows files of chains that the server takes', () => {
    const section = /^## Real chains\n[\s\S]*?(?=^## )/m.exec(readme)?.[0] ?? '';
    const files = [...section.matchAll(/```json\n([\s\S]*?)\n```/g)].map(([, text = '']) => text);
    expect(files.length).toBeGreaterThan(1);
    for (const text of files) expect(parseChains(text), text).toHaveProperty('chains');
  });

  it('shows a policy of the signer and rules of screening that are taken', () => {
    const [policy = ''] = jsonOf('Keys');
    expect(Object.keys(parsePolicy(policy))).toEqual(['ethereum']);
    const [rules = ''] = jsonOf('Screening');
    const folder = mkdtempSync(join(tmpdir(), 'openledger-rules-'));
    writeFileSync(join(folder, 'rules.json'), rules);
    expect(readRulesFile(join(folder, 'rules.json')).velocity?.hours).toBe(24);
    rmSync(folder, { recursive: true });
  });

  it('gives openledger only commands and options that it has', async () => {
    const lines = readme.replaceAll('\\\n', ' ').split('\n');
    const calls = lines.flatMap((line) => /^npx openledger ([^#]*)/.exec(line)?.[1] ?? []);
    expect(calls.length).toBeGreaterThan(15);
    const wanted = new Map<string, Set<string>>();
    for (const call of calls) {
      const name = /^[a-z-]+(?: (?:[a-z]+)(?= |$))?/.exec(call)?.[0].trim() ?? '';
      const flags = wanted.get(name) ?? new Set();
      for (const [flag] of call.matchAll(/--[a-z-]+/g)) flags.add(flag);
      wanted.set(name, flags);
    }
    for (const [name, flags] of wanted) {
      const said = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
      await openledger([...name.split(' '), '--help']);
      const help = said.mock.calls.map(([text]) => String(text)).join('');
      said.mockRestore();
      expect(help).toContain(`Usage: openledger ${name}`);
      for (const flag of flags) expect(help, name).toContain(flag);
    }
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
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\w\s-]/g, '')
      .replaceAll(/\s/g, '-'),
  );
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
