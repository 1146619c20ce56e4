import { createKey, drawKey, printKey, revokeKey } from '@openledger/server/resources/api-keys/commands.ts';
import { listEnvironments, listKeys } from '@openledger/server/resources/api-keys/queries.ts';
import { printLine, printLines } from './print.ts';
import type { Store } from './store.ts';

/** Creates a key and prints it, the one time that it is shown. */
export async function createKeyCommand(
  { db, writer }: Store,
  kind: 'test' | 'live',
  name: string,
): Promise<void> {
  const environment = (await listEnvironments(db)).find((candidate) => candidate.kind === kind);
  if (!environment) throw new Error('There is no organisation yet; start the server first (npm start).');
  const key = drawKey();
  await writer.submit(createKey(environment, name, key));
  printLine(printKey(kind, key));
}

/** Lists all keys, without their secrets. */
export async function listKeysCommand({ db }: Store): Promise<void> {
  const lines = (await listKeys(db)).map((key) => {
    const state = key.revoked_at === null ? 'active' : `revoked ${key.revoked_at}`;
    return [key.id, `ld_${key.kind}_${key.prefix}_…`, key.created_at, state, key.name].join('  ');
  });
  printLines(lines.length === 0 ? ['There are no keys.'] : lines);
}

/** Revokes the key with this id or prefix. */
export async function revokeKeyCommand({ db, writer }: Store, name: string): Promise<void> {
  const key = (await listKeys(db)).find(({ id, prefix }) => id === name || prefix === name);
  if (!key) throw new Error(`There is no key ${name.startsWith('ld_') ? 'with this prefix' : name}.`);
  await writer.submit(revokeKey(key.environmentId, key.id));
  printLine(`${key.id} is revoked.`);
}
