import { randomBytes } from 'node:crypto';
import { chown, lstat, mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { findBinaries } from './binaries.ts';
import { parseObject, randomSuffix, readTextFile, renameDurably, writeJsonFile } from './files.ts';
import type { EmbeddedLogger } from './log.ts';
import { clusterDirectory, placeCluster, sharedHome } from './place.ts';
import { runGuarded } from './process.ts';
import { canReach, isRoot, type SystemUser, unprivilegedUser } from './user.ts';

/** A complete database cluster, ready to be started. */
export interface Cluster {
  /** Its real directory, no symbolic link. */
  readonly dir: string;
  /** Where PostgreSQL's programs are (`bin`, `lib`, `share`). */
  readonly binaries: string;
  /** The user it runs as; undefined for the user of this process. */
  readonly user: SystemUser | undefined;
  readonly passwords: Passwords;
}

/** The passwords of the cluster's roles. */
export interface Passwords {
  /** `postgres`: for the operator, and to add the owner role to an older cluster. */
  readonly superuser: string;
  /** `openledger_owner`, which owns the database; undefined in a cluster that was created without this role. */
  readonly owner: string | undefined;
  /** `openledger`, the serving role. */
  readonly openledger: string;
}

/** The role that owns the database and migrates it. */
export const ownerRole = 'openledger_owner';
/** The serving role, which has its grants only. */
export const servingRole = 'openledger';

/** Closes the databases that every cluster has to all roles but the superuser. */
export const closeOthers: readonly string[] = [
  'revoke all on database postgres from public;',
  'revoke all on database template1 from public;',
];

const stagingPrefix = 'postgres.new-';
const passwordsFile = (dataDir: string) => join(dataDir, 'postgres.json');

/**
 * Opens the cluster of a data directory, and creates it if there is none. A cluster is created under a temporary name and
 * renamed, so that an existing cluster is always complete.
 *
 * @param dataDir must be claimed by this process (see `claimDataDir`)
 * @throws Error with what is wrong with the directory, the user, or PostgreSQL
 */
export async function openCluster(dataDir: string, logger: EmbeddedLogger): Promise<Cluster> {
  const dir = await clusterDirectory(dataDir);
  await removeStaging(dirname(dir));
  return (await existingCluster(dataDir, dir)) ?? (await createCluster(dataDir, logger));
}

async function createCluster(dataDir: string, logger: EmbeddedLogger): Promise<Cluster> {
  const user = isRoot() ? unprivilegedUser() : undefined;
  const dir = await placeCluster(dataDir, user, logger);
  const binaries = await findBinaries(user);
  const passwords: Passwords = { superuser: newPassword(), owner: newPassword(), openledger: newPassword() };
  const staging = join(dirname(dir), stagingPrefix + randomSuffix());
  try {
    await makeDirectory(staging, user);
    await initialise(staging, binaries, user, passwords);
    await keepPasswords(dataDir, passwords);
    await renameDurably(join(staging, 'cluster'), dir);
  } finally {
    await removeTree(staging);
  }
  return { dir, binaries, user, passwords };
}

/** Stores the passwords in the data directory, readable for its owner only. */
export async function keepPasswords(dataDir: string, passwords: Passwords): Promise<void> {
  await writeJsonFile(passwordsFile(dataDir), passwords, 0o600);
}

/**
 * Removes the cluster and everything that belongs to it, also outside the data directory.
 */
export async function removeCluster(dataDir: string): Promise<void> {
  const home = await sharedHome(dataDir);
  if (home) await rm(home, { recursive: true, force: true });
  await rm(join(dataDir, 'postgres'), { recursive: true, force: true });
  await rm(passwordsFile(dataDir), { force: true });
  await removeStaging(dataDir);
}

/** The cluster, if there is one. Incomplete clusters have other names. */
async function existingCluster(dataDir: string, dir: string): Promise<Cluster | undefined> {
  const entry = await stat(dir).catch(() => undefined);
  if (!entry || (await isEmpty(dir))) return undefined;
  const user = ownerOf(dir, entry);
  const found = parseObject((await readTextFile(passwordsFile(dataDir))) ?? '');
  const { openledger, owner, superuser } = found ?? {};
  if (typeof openledger !== 'string' || typeof superuser !== 'string') {
    throw new Error(
      `${passwordsFile(dataDir)} must hold the passwords of ${dir}, but is missing or invalid.`,
    );
  }
  const passwords = { openledger, superuser, owner: typeof owner === 'string' ? owner : undefined };
  return { dir, binaries: await findBinaries(user), user, passwords };
}

/** Whether a directory is empty, as one that was created for the cluster. An unreadable directory is not. */
async function isEmpty(dir: string): Promise<boolean> {
  const names = await readdir(dir).catch(() => undefined);
  return names?.length === 0;
}

/** The user that the cluster runs as: when this process is root, the owner of the directory. */
function ownerOf(dir: string, found: SystemUser): SystemUser | undefined {
  const { uid, gid } = found;
  if (!isRoot()) {
    if (uid === process.getuid?.()) return undefined;
    throw new Error(
      `${dir} belongs to user ${uid}. Start OpenLedger as that user or as root, or choose another OPENLEDGER_DATA_DIR.`,
    );
  }
  if (uid === 0)
    throw new Error(
      `${dir} must not belong to root, because PostgreSQL refuses to run as root. Change its owner (chown -R).`,
    );
  if (!canReach({ uid, gid }, dir)) {
    throw new Error(
      `User ${uid}, who owns ${dir}, cannot reach it: every directory above it must be accessible to that user.`,
    );
  }
  return { uid, gid };
}

/**
 * Creates a cluster in `staging/cluster`: C collation, so that text sorts by bytes and no update of a library changes the order of
 * an index; an owner role and a serving role, neither of them a superuser.
 */
async function initialise(
  staging: string,
  binaries: string,
  user: SystemUser | undefined,
  passwords: Passwords,
): Promise<void> {
  const cluster = join(staging, 'cluster');
  const passwordFile = join(staging, 'password');
  await writeFile(passwordFile, passwords.superuser, { mode: 0o600, flag: 'wx' });
  if (user) await chown(passwordFile, user.uid, user.gid);
  await runGuarded(
    join(binaries, 'bin/initdb'),
    [
      ...['--pgdata', cluster, '--username=postgres', `--pwfile=${passwordFile}`, '--auth=scram-sha-256'],
      ...['--locale=C', '--encoding=UTF8', '--no-instructions'],
    ],
    { user },
  );
  // A single-user backend needs neither port nor password, and ends with its input.
  await runGuarded(
    join(binaries, 'bin/postgres'),
    ['--single', '-D', cluster, '-c', 'exit_on_error=on', '-c', 'log_min_error_statement=panic', 'postgres'],
    {
      user,
      input: [
        `create role ${ownerRole} login password '${passwords.owner}';`,
        `create role ${servingRole} login password '${passwords.openledger}';`,
        `create database openledger owner ${ownerRole};`,
        ...closeOthers,
        '',
      ].join('\n'),
    },
  );
}

async function makeDirectory(path: string, user: SystemUser | undefined): Promise<void> {
  await mkdir(path, { mode: 0o700 });
  if (user) await chown(path, user.uid, user.gid);
}

async function removeStaging(parent: string): Promise<void> {
  const names = await readdir(parent).catch(() => []);
  for (const name of names) if (name.startsWith(stagingPrefix)) await removeTree(join(parent, name));
}

/** Removes a directory tree. If an orphaned process still writes there, the next start removes the rest. */
async function removeTree(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (!found) return;
  await rm(path, { recursive: true, force: true, maxRetries: 3, retryDelay: 50 }).catch(() => undefined);
}

/** A password of hexadecimal digits, which need no escaping in a URL or in SQL. */
export function newPassword(): string {
  return randomBytes(24).toString('hex');
}
