import { createKey, drawKey, printKey, revokeKey } from '@openledger/server/resources/api-keys/commands.ts';
import { listEnvironments, listKeys } from '@openledger/server/resources/api-keys/queries.ts';
import { updateWebhook } from '@openledger/server/resources/webhooks/commands.ts';
import { listWebhooksOfKey } from '@openledger/server/resources/webhooks/queries.ts';
import { printLine, printLines } from './print.ts';
import type { Store } from './store.ts';

/** Creates a key and prints it. It is shown only once. */
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

/**
 * Revokes the key with an id or a prefix, and lists the webhooks that it created, which stay active.
 *
 * @param disablesWebhooks also disables them
 */
export async function revokeKeyCommand(store: Store, name: string, disablesWebhooks: boolean): Promise<void> {
  const { db, writer } = store;
  const key = (await listKeys(db)).find(({ id, prefix }) => id === name || prefix === name);
  if (!key) throw new Error(`The key ${name.startsWith('ld_') ? 'with this prefix' : name} does not exist.`);
  await writer.submit(revokeKey(key.environmentId, key.id));
  printLine(`${key.id} is revoked.`);
  if (disablesWebhooks) await disableWebhooks(store, key.id);
  const webhooks = await listWebhooksOfKey(db, key.id);
  if (webhooks.length === 0) return;
  printLine(`It made ${webhooks.length === 1 ? 'a webhook' : `${webhooks.length} webhooks`}:`);
  for (const { id, status, url } of webhooks) {
    printLine(`  ${id}  ${status.padEnd(8)}  ${url}`);
  }
  if (webhooks.some(({ status }) => status === 'active')) {
    printLine('Active ones still receive events; --disable-webhooks disables them.');
  }
}

async function disableWebhooks({ db, writer }: Store, keyId: string): Promise<void> {
  for (const { environment_id, id, status } of await listWebhooksOfKey(db, keyId)) {
    if (status === 'active') await writer.submit(updateWebhook(environment_id, id, { status: 'disabled' }));
  }
}
