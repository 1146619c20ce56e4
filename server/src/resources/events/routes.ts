import Type from 'typebox';
import { eventTypes } from '../../events/types.ts';
import type { Route } from '../../http/route.ts';
import { oneOf } from '../../http/schema.ts';
import { ApiError, notFound } from '../../platform/errors.ts';
import type { Vault } from '../../platform/seal.ts';
import type { Db } from '../../store/database.ts';
import type { Pool } from '../../store/pool.ts';
import type { EventRow } from '../../store/tables/events.ts';
import { createdRange, createdSpan, pageLimit, pageOf } from '../paging.ts';
import { encodePositions } from './positions.ts';
import { type EventFilter, findEvent, listEvents, readEventsAfter } from './queries.ts';
import { parseCursor } from './request.ts';
import { Event, eventJson, prepareEvents } from './schema.ts';

const orders = ['newest', 'oldest'] as const;

const listDescription = `Returns what has happened: the same bodies that webhooks receive.

Newest first, it is a list as any other. With \`order=oldest\` it is for programs that want to miss nothing: it begins at the
first event (\`cursor=start\`) or with what comes from now on (\`cursor=end\`), and \`nextCursor\` is always there. Keep it,
and ask again with it for what has come since. Whoever has read up to a cursor has missed nothing before it, however many
servers write. With a filter a page can be empty and have moved on all the same: continue immediately while \`nextCursor\` changes.`;

export function eventRoutes({ db, pool, vault }: { db: Db; pool: Pool; vault: Vault }): Route[] {
  const toItem = (row: EventRow): string => eventJson(row, vault);
  const tag = 'Events';
  const data = { name: 'Event', schema: Event };
  const list: Route = {
    method: 'GET',
    path: '/v1/events',
    operationId: 'listEvents',
    tag,
    summary: 'List events',
    description: listDescription,
    access: 'key',
    list: true,
    query: Type.Object({
      type: Type.Optional(oneOf(eventTypes, 'Only events of this type')),
      customerId: Type.Optional(Type.String({ description: 'Only events of this customer' })),
      objectId: Type.Optional(Type.String({ description: 'Only events of the object with this ID' })),
      ...createdRange,
      order: Type.Optional(oneOf(orders, '`newest` first, unless you say `oldest`')),
    }),
    okDescription: 'A page of events',
    data,
    async read({ caller, query }) {
      const environmentId = caller.environment.id;
      const filter = filterOf(query);
      if (query.order !== 'oldest')
        return listEvents(db, environmentId, filter, pageOf(query), vault, toItem);
      const from = await parseCursor(pool, environmentId, query.cursor ?? 'start', 'query.cursor');
      const page = await readEventsAfter(pool, environmentId, filter, from, pageLimit(query));
      await prepareEvents(
        page.events.map(({ row }) => row),
        vault,
      );
      return {
        items: page.events.map(({ row }) => toItem(row)),
        nextCursor: encodePositions(environmentId, page.positions),
      };
    },
  };
  const get: Route = {
    method: 'GET',
    path: '/v1/events/{eventId}',
    operationId: 'getEvent',
    tag,
    summary: 'Get an event',
    description: 'Returns one event.',
    access: 'key',
    params: { eventId: 'The event ID' },
    okDescription: 'The event',
    data,
    errors: ['NOT_FOUND'],
    async read({ caller, params: { eventId = '' } }) {
      const row = await findEvent(db, caller.environment.id, eventId);
      if (!row) throw new ApiError(notFound('event'));
      await prepareEvents([row], vault);
      return toItem(row);
    },
  };
  return [list, get];
}

function filterOf(query: Readonly<Record<string, string>>): EventFilter {
  const { customerId, objectId, type } = query;
  return { types: type === undefined ? undefined : [type], customerId, objectId, ...createdSpan(query) };
}
