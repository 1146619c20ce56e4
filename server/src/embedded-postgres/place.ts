import { chmod, mkdir, readlink, symlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { randomSuffix } from './files.ts';
import type { EmbeddedLogger } from './log.ts';
import { canReach, prepareSharedRoot, type SystemUser, sharedRoot } from './user.ts';

/**
 * Decides where a new cluster is created: in the data directory or, if the user that PostgreSQL runs as cannot reach it, in a
 * directory of its own under `sharedRoot`. The link to it is made first, so that after an interrupted start it is found again
 * and cleaned up.
 */
export async function placeCluster(
  dataDir: string,
  user: SystemUser | undefined,
  logger: EmbeddedLogger,
): Promise<string> {
  let home = await sharedHome(dataDir);
  if (!home) {
    if (!user || canReach(user, dataDir)) return join(dataDir, 'postgres');
    home = join(sharedRoot, `cluster-${randomSuffix()}`);
    await prepareSharedRoot();
    await symlink(join(home, 'postgres'), join(dataDir, 'postgres'));
  }
  await mkdir(home, { recursive: true });
  await chmod(home, 0o755);
  logger.info(
    { dataDir, home },
    'the user of PostgreSQL cannot reach the data directory; its files are placed elsewhere',
  );
  return join(home, 'postgres');
}

/** Where the cluster is or will be. The target of a link need not exist yet. */
export async function clusterDirectory(dataDir: string): Promise<string> {
  const home = await sharedHome(dataDir);
  return home ? join(home, 'postgres') : join(dataDir, 'postgres');
}

/** The directory under `sharedRoot` that the data directory links to. Other links are not followed. */
export async function sharedHome(dataDir: string): Promise<string | undefined> {
  const target = await readlink(join(dataDir, 'postgres')).catch(() => undefined);
  if (target === undefined || basename(target) !== 'postgres') return undefined;
  const home = dirname(target);
  return dirname(home) === sharedRoot && basename(home).startsWith('cluster-') ? home : undefined;
}
