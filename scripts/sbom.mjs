/**
 * `npm run sbom`: writes the bill of materials of what running installs, as CycloneDX, to artifacts/sbom.json. It is made of
 * package-lock.json, so that it is the same whatever is installed. Not by `npm sbom --omit=dev` alone: that leaves out what
 * the server shares with the tests, so npm is shown a project without the packages of developers.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, writeAtomically } from './checkout.mjs';
import { prepareRuntime } from './prepare.mjs';

const workspaces = ['server', 'cli'];

function readJson(path) {
  return JSON.parse(readFileSync(join(root, path), 'utf8'));
}

function withoutDevelopers(lock) {
  const { devDependencies: _, ...top } = lock.packages[''];
  const kept = Object.entries(lock.packages).filter(([path, { dev }]) => path !== '' && !dev);
  return { ...lock, packages: { '': top, ...Object.fromEntries(kept) } };
}

/** Lays out what npm reads: the lock file, and the package.json of each workspace. */
function layOut(directory) {
  const write = (path, value) => writeFileSync(join(directory, path), JSON.stringify(value));
  const { devDependencies: _, ...top } = readJson('package.json');
  write('package.json', top);
  write('package-lock.json', withoutDevelopers(readJson('package-lock.json')));
  for (const folder of workspaces) {
    mkdirSync(join(directory, folder));
    write(`${folder}/package.json`, readJson(`${folder}/package.json`));
  }
}

function listPackages(directory) {
  const flags = ['sbom', '--package-lock-only', '--sbom-format=cyclonedx', '--sbom-type=application'];
  const { error, status, stdout } = spawnSync('npm', [...flags, '--loglevel=error'], {
    cwd: directory,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (error || status !== 0) throw new Error(`npm sbom failed (${error?.message ?? status}).`);
  return stdout;
}

await prepareRuntime();
const temporary = mkdtempSync(join(tmpdir(), 'openledger-sbom-'));
try {
  // npm takes the name of the project from its directory.
  const directory = join(temporary, 'openledger');
  mkdirSync(directory);
  layOut(directory);
  const text = listPackages(directory);
  mkdirSync(join(root, 'artifacts'), { recursive: true });
  writeAtomically(join(root, 'artifacts/sbom.json'), text);
  process.stderr.write(`artifacts/sbom.json: ${JSON.parse(text).components.length} packages\n`);
} finally {
  rmSync(temporary, { recursive: true, force: true });
}
