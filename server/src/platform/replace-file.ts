import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Replaces a file atomically. @param write writes the new one */
export async function replaceFile(path: string, write: (draft: string) => Promise<void>): Promise<void> {
  const draft = `${path}.new`;
  await rm(draft, { force: true });
  await write(draft);
  const file = await open(draft, 'r+');
  await file.sync().finally(() => file.close());
  await rename(draft, path);
  const directory = await open(dirname(path));
  await directory.sync().finally(() => directory.close());
}
