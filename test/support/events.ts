import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { eventSchemaName } from '../../server/src/http/event.ts';
import { closed } from '../../server/src/http/schema.ts';
import type { Keyring } from '../../server/src/platform/keyring.ts';
import { createVault } from '../../server/src/platform/seal.ts';
import { eventJson, prepareEvents } from '../../server/src/resources/events/schema.ts';
import { createCustomerSalts } from '../../server/src/store/customer-salts.ts';
import { createPool } from '../../server/src/store/pool.ts';
import type { EventRow } from '../../server/src/store/tables/events.ts';
import { laidOver, withoutNulls } from './former.ts';

type JsonObject = Readonly<Record<string, unknown>>;

/** An event, as the API shows it. */
interface ReadEvent {
  readonly id: string;
  readonly type: string;
  readonly data: JsonObject;
  readonly previousAttributes?: JsonObject;
}

/** Thrown when an event is not what its schema promises, or does not say what was there before. */
class EventError extends Error {}

const document = JSON.parse(readFileSync(new URL('../../events.schema.json', import.meta.url), 'utf8'));
const validators = new Map<string, ValidateFunction>();
const ajv = new Ajv2020({ strict: false, allErrors: true });
formats.default(ajv);
// The document allows for fields to come. What a server of now writes has those that are named, and no other.
ajv.addSchema({ $defs: closed(document.$defs) }, 'events');

/** Checks an event against the schema of its type. */
export function assertEvent(event: ReadEvent): void {
  const { type } = event;
  const validate = validators.get(type) ?? ajv.compile({ $ref: `events#/$defs/${eventSchemaName(type)}` });
  validators.set(type, validate);
  if (validate(event)) return;
  throw new EventError(`${type}: ${JSON.stringify(validate.errors)} ${JSON.stringify(event)}`);
}

/** How many events are looked at: some tests write very many. */
const checkedEvents = 5000;
const untold = ['updatedAt', 'kycLink', 'tosLink'];

/**
 * Checks the events of a database: each against its schema, and what an event of a change tells of before against the event
 * before it of the same object.
 */
export async function checkEvents(databaseUrl: string, masterKey: Uint8Array | Keyring): Promise<void> {
  const pool = createPool(databaseUrl, 'test');
  const vault = createVault(masterKey).withSalts(createCustomerSalts(pool));
  try {
    const { rows } = await pool.query<EventRow>(
      `select * from events order by environment_id, lane, seq limit ${checkedEvents}`,
    );
    await prepareEvents(rows, vault);
    const befores = new Map<string, ReadEvent>();
    for (const row of rows) {
      const event: ReadEvent = JSON.parse(eventJson(row, vault));
      if (isErased(event)) continue;
      assertEvent(event);
      assertFormer(event, befores.get(row.object_id));
      befores.set(row.object_id, event);
    }
  } catch (error) {
    // A test has taken the database away, to see what the server says then.
    if ((error as { code?: string }).code !== '3D000') throw error;
  } finally {
    await pool.end();
  }
}

function assertFormer(event: ReadEvent, before: ReadEvent | undefined): void {
  const { data, previousAttributes: previous, type } = event;
  if (type === 'transaction.completed') {
    // It is written with another event, and says the same.
    const same = isDeepStrictEqual([data, previous], [before?.data, before?.previousAttributes]);
    if (!same) throw new EventError(`${event.id} is not like the event before it`);
  } else if (previous !== undefined) {
    const told = withoutNulls(laidOver(data, previous), untold);
    const known = withoutNulls(before?.data ?? {}, untold);
    if (!isDeepStrictEqual(told, known))
      throw new EventError(`${type} ${event.id} tells ${JSON.stringify(told)} of ${JSON.stringify(known)}`);
    const same = Object.keys(previous).filter((key) => isDeepStrictEqual(previous[key], data[key] ?? null));
    if (same.length > 0) throw new EventError(`${event.id} tells ${same}, which have not changed`);
  }
}

/** Its customer was erased: it says no more than that. */
function isErased({ data }: ReadEvent): boolean {
  return isDeepStrictEqual(data, { erased: true });
}
