import { readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runScript } from '../support/process.ts';

/** What running needs is what `npm start` installs, and what the bill of materials lists. */

const root = join(import.meta.dirname, '../..');
const readJson = (path: string) => JSON.parse(readFileSync(join(root, path), 'utf8'));

interface Locked {
  readonly version: string;
  readonly dev?: boolean;
  readonly devOptional?: boolean;
}
const locked: Record<string, Locked> = readJson('package-lock.json').packages;

/** The packages that a bundle loads, without those that come with Node. */
function packagesOf(bundle: string): string[] {
  const text = readFileSync(join(root, bundle), 'utf8');
  // The build puts them at the beginning, and no spaces into them.
  const found = [...text.matchAll(/(?:^|[;}])import(?:[\w$ ,{}*]+from)?"([@a-z][\w@./-]*)"/gm)].map(
    ([, path = '']) => path,
  );
  const names = found.map((path) =>
    path
      .split('/')
      .slice(0, path.startsWith('@') ? 2 : 1)
      .join('/'),
  );
  return [...new Set(names)].filter((name) => !name.startsWith('node:') && !builtinModules.includes(name));
}

test.each(['server/dist/main.js', 'cli/dist/main.js'])(
  '%s loads only what is installed to run it',
  (bundle) => {
    const names = packagesOf(bundle);
    expect(names).toContain('pg');
    for (const name of names) {
      const { dev, devOptional } = locked[`node_modules/${name}`] ?? {};
      expect({ name, isLocked: `node_modules/${name}` in locked, dev, devOptional }).toEqual({
        name,
        isLocked: true,
      });
    }
  },
);

test('the build needs nothing else', () => {
  expect(locked['node_modules/esbuild']?.dev).toBeUndefined();
  expect(locked['node_modules/viem']?.dev).toBeUndefined();
  expect(locked['node_modules/vitest']?.dev).toBe(true);
});

interface Component {
  readonly type: string;
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly 'bom-ref': string;
  readonly hashes?: readonly { alg: string; content: string }[];
}

test('the bill of materials is CycloneDX and lists what the server and the command line tool depend on', async () => {
  const { code, stderr } = await runScript('scripts/sbom.mjs', {});
  expect(code, stderr).toBe(0);
  const bom = readJson('artifacts/sbom.json');
  expect(bom).toMatchObject({
    bomFormat: 'CycloneDX',
    specVersion: expect.stringMatching(/^1\.[5-7]$/),
    serialNumber: expect.stringMatching(/^urn:uuid:[0-9a-f-]{36}$/),
    version: 1,
    metadata: { component: { type: 'application', name: 'openledger' } },
  });
  const components: Component[] = bom.components;
  const refs = new Set(components.map((component) => component['bom-ref']));
  expect(refs.size).toBe(components.length);
  for (const { ref, dependsOn = [] } of bom.dependencies) {
    for (const other of dependsOn) expect(refs, `${ref} depends on it`).toContain(other);
  }
  for (const folder of ['server', 'cli']) {
    for (const name of Object.keys(readJson(`${folder}/package.json`).dependencies)) {
      if (name.startsWith('@openledger/')) continue;
      const version = locked[`node_modules/${name}`]?.version;
      const found = components.find((component) => component.name === name && component.version === version);
      expect(found, name).toMatchObject({ type: 'library', purl: expect.stringMatching(/^pkg:npm\//) });
      expect(found?.hashes?.[0]?.alg, name).toBe('SHA-512');
    }
  }
  for (const name of ['vitest', 'solc', 'tronweb', '@foundry-rs/anvil']) {
    expect(components.map((component) => component.name)).not.toContain(name);
  }
});
