import { spawnSync } from 'node:child_process';
import { chmod, lstat, mkdir } from 'node:fs/promises';

/** The user that PostgreSQL runs as. It refuses to run as root. */
export interface SystemUser {
  readonly uid: number;
  readonly gid: number;
}

/** The directory for files that a user needs who cannot reach the data directory or the installation. */
export const sharedRoot = '/var/lib/openledger';

/** The user that is created if there is no `postgres`. */
const ownUserName = 'openledger';

/** Whether this process is root, and must start PostgreSQL as another user. */
export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/**
 * Finds or creates the unprivileged user that root starts PostgreSQL as: `postgres`, else `openledger`, else `nobody`.
 *
 * @throws Error when there is none and none can be created
 */
export function unprivilegedUser(): SystemUser {
  const user = lookUp('postgres') ?? lookUp(ownUserName) ?? createUser() ?? lookUp('nobody');
  if (user) return user;
  throw new Error(
    'PostgreSQL refuses to run as root, and there is no user "postgres" or "nobody" to run it as. ' +
      'Start OpenLedger as an ordinary user, or set DATABASE_URL.',
  );
}

/**
 * Whether a user can read a file or enter a directory. It is tried rather than computed from modes, so that access lists and
 * mount options are respected.
 */
export function canReach(user: SystemUser, path: string): boolean {
  const test = 'if [ -d "$1" ]; then cd "$1"; else [ -r "$1" ]; fi';
  const { status, error } = spawnSync('/bin/sh', ['-c', test, 'sh', path], {
    ...user,
    cwd: '/',
    stdio: 'ignore',
  });
  if (error) throw new Error(cannotBecome(user), { cause: error });
  return status === 0;
}

/**
 * Creates `sharedRoot`, and ensures that only root can write to it, because programs are started from it.
 *
 * @throws Error when another user can write to it
 */
export async function prepareSharedRoot(): Promise<void> {
  const made = await mkdir(sharedRoot, { recursive: true });
  if (made !== undefined) await chmod(sharedRoot, 0o755);
  const found = await lstat(sharedRoot);
  if (!found.isDirectory() || found.uid !== 0 || (found.mode & 0o022) !== 0) {
    throw new Error(`${sharedRoot} must be a directory that only root can write to.`);
  }
}

function lookUp(name: string): SystemUser | undefined {
  const uid = idOf(name, '-u');
  const gid = idOf(name, '-g');
  return uid && gid ? { uid, gid } : undefined;
}

/** The id of a user or of its group; undefined if there is none, and for root. */
function idOf(name: string, flag: '-u' | '-g'): number | undefined {
  const { status, stdout } = spawnSync('id', [flag, name], { encoding: 'utf8' });
  return status === 0 && Number(stdout) > 0 ? Number(stdout) : undefined;
}

/** Creates a system user, with `useradd` or, on BusyBox systems, `adduser`. */
function createUser(): SystemUser | undefined {
  const quiet = { stdio: 'ignore' } as const;
  spawnSync(
    'useradd',
    ['--system', '--user-group', '--no-create-home', '--shell', '/bin/false', ownUserName],
    quiet,
  );
  const user = lookUp(ownUserName);
  if (user) return user;
  spawnSync('adduser', ['-S', '-D', '-H', '-s', '/bin/false', ownUserName], quiet);
  return lookUp(ownUserName);
}

function cannotBecome(user: SystemUser): string {
  return (
    `PostgreSQL refuses to run as root, and this process may not start one as user ${user.uid}. ` +
    'Start OpenLedger as an ordinary user, or set DATABASE_URL.'
  );
}
