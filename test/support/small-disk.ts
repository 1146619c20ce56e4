import { execFile } from 'node:child_process';
import { mkdir, open, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A file system of its own that can be filled up. */
export interface SmallDisk {
  readonly path: string;
  /** Takes what is free, but for so many bytes. */
  fill(spareBytes: number): Promise<void>;
  /** Gives it back. */
  empty(): Promise<void>;
  remove(): Promise<void>;
}

/**
 * Mounts a small file system in memory, which on Linux needs root. Without, `FAULT_DISK` names a directory that lies on a
 * small file system already.
 *
 * @returns why there is none, when there is none
 */
export async function openSmallDisk(directory: string, megabytes: number): Promise<SmallDisk | string> {
  const given = process.env.FAULT_DISK;
  if (given !== undefined) return createSmallDisk(given, async () => undefined);
  const path = join(directory, 'disk');
  await mkdir(path);
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=0711`, 'tmpfs', path]);
  } catch {
    return 'A small file system cannot be mounted here (that needs Linux and root); FAULT_DISK may name a directory on one.';
  }
  return createSmallDisk(path, async () => void (await run('umount', [path])));
}

function createSmallDisk(path: string, unmount: () => Promise<void>): SmallDisk {
  const ballast = join(path, 'ballast');
  const disk: SmallDisk = {
    path,
    async fill(spareBytes) {
      const { bavail, bsize } = await statfs(path);
      const file = await open(ballast, 'w');
      const block = Buffer.alloc(64 * 1024);
      try {
        for (let left = bavail * bsize - spareBytes; left > 0; left -= block.length) await file.write(block);
      } catch (error) {
        // Somebody else has written meanwhile: it is full.
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      } finally {
        await file.close();
      }
    },
    empty: () => rm(ballast, { force: true }),
    async remove() {
      await disk.empty();
      await unmount();
    },
  };
  return disk;
}
