import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../server/src/platform/config.ts';
import { startServer } from '../harness/server.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

function markdownFiles(folder = '.'): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return /^(node_modules|dist|\.\w+)$/.test(entry.name) ? [] : markdownFiles(path);
    return entry.name.endsWith('.md') ? [path] : [];
  });
}

describe('the README', () => {
  it("'s first steps run as they are written", async () => {
    const server = await startServer({ sandboxStepMs: 20 });
    try {
      const written = /<!-- run -->\n```sh\n([\s\S]*?)\n```/.exec(read('README.md'))?.[1] ?? '';
      const script = written.replaceAll('http://localhost:4000', server.app.url);
      expect(script).toContain('/v1/transfers');
      const env = { ...process.env, KEY: server.testKey };
      const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script], { env });
      expect(stdout.match(/"ok":true,"data"/g)?.length).toBeGreaterThanOrEqual(6);
      expect(stdout).toContain('"balance":"4.40"');
      expect(stdout).not.toContain('"ok":false');
    } finally {
      await server.stop();
    }
  });

  it('lists every setting with its variable', () => {
    const help = readConfig(['--help']);
    const text = 'helpText' in help ? help.helpText.replaceAll(/\s+/g, ' ') : '';
    const flags = [...text.matchAll(/ (--[a-z-]+)(?: <\w+>)? /g)].map(([, flag]) => flag as string);
    const variables = [...text.matchAll(/env: ([A-Z_]+)/g)].map(([, name]) => name as string);
    expect(variables.length).toBeGreaterThan(10);
    for (const name of [...flags, ...variables]) {
      if (name !== '--help') expect(read('README.md')).toContain(`\`${name}\``);
    }
  });

  it("'s test command is what continuous integration runs", () => {
    expect(read('README.md')).toContain('\n```\nnpm test\n```');
    expect(read('.ci/run')).toMatch(/^npm test$/m);
  });
});

describe('every document', () => {
  it.each(markdownFiles())('%s links only to files that are there', (path) => {
    for (const [, target = ''] of read(path).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^(https?:|mailto:|#)/.test(target)) continue;
      const file = join(dirname(path), target.split('#')[0] as string);
      expect(existsSync(join(root, file)), `${path} → ${relative('.', file)}`).toBe(true);
    }
  });

  it('of architecture and invariants names only files that are there', () => {
    for (const path of ['ARCHITECTURE.md', 'docs/invariants.md', 'SECURITY.md']) {
      for (const [, name = ''] of read(path).matchAll(/`([\w/.-]+\/[\w.-]+\.(?:ts|sql|cjs|mjs|md))`/g)) {
        const isThere = ['', 'server/src/', 'server/'].some((folder) => existsSync(join(root, folder, name)));
        expect(isThere, `${path} names ${name}`).toBe(true);
      }
    }
  });
});
