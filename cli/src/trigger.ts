import { setTimeout as sleep } from 'node:timers/promises';
import { type EventType, eventTypes } from '@openledger/server/events/types.ts';
import { ConfigError } from '@openledger/server/platform/config.ts';
import { type ApiData, call, callForPage } from './api.ts';
import type { Connection } from './connection.ts';
import { printLine, printLines } from './print.ts';
import { recipes } from './recipes.ts';

const patienceMs = 30_000;
const pauseMs = 200;

/**
 * Makes the API calls that cause an event, and prints each of them and the event.
 *
 * @throws ConfigError if the event does not exist, or the key is a live key
 */
export async function triggerCommand(connection: Connection, name: string): Promise<void> {
  const type = eventTypes.find((known) => known === name);
  if (!type) {
    throw new ConfigError(
      `The event ${JSON.stringify(name)} does not exist. The events are:\n${triggerList()}`,
    );
  }
  if (!connection.key.startsWith('ld_test_')) {
    throw new ConfigError('--key (OPENLEDGER_KEY) must be a test key (ld_test_…).');
  }
  const objectId = await recipes[type].run(async (method, path, body) => {
    const data = await call(connection, method, path, body);
    printLine(`${method.padEnd(6)} ${path}  ${data.id}`);
    return data;
  });
  const { createdAt, id } = await arrived(connection, type, objectId);
  printLines(['', `${type}  ${id}  ${createdAt}`]);
}

/** Every event, with a description of its calls. */
export function triggerList(): string {
  return eventTypes.map((type) => `  ${type.padEnd(24)} ${recipes[type].about}`).join('\n');
}

/** Waits for an event of a type on an object. */
async function arrived(connection: Connection, type: EventType, objectId: string): Promise<ApiData> {
  const deadlineMs = Date.now() + patienceMs;
  for (;;) {
    const { data } = await callForPage(connection, `/v1/events?type=${type}&objectId=${objectId}&limit=1`);
    if (data[0]) return data[0];
    if (Date.now() > deadlineMs)
      throw new Error(`No ${type} event was written within ${patienceMs / 1000} s.`);
    await sleep(pauseMs);
  }
}
