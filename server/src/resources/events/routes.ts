import Type from 'typebox';
import type { Route } from '../../http/route.ts';
import { oneOf } from '../../http/schema.ts';
import { ApiError, notFound } from '../../platform/errors.ts';
import type { Vault } from '../../platform/seal.ts';
import type { Db } from '../../store/database.ts';
import { pageOf } from '../paging.ts';
import { findEvent, listEvents } from './queries.ts';
import { Event, eventJson } from './schema.ts';
import { eventTypes } from './types.ts';

export function eventRoutes({ db, vault }: { db: Db; vault: Vault }): Route[] {
  const tag = 'Events';
  const data = { name: 'Event', schema: Event };
  const list: Route = {
    method: 'GET',
    path: '/v1/events',
    operationId: 'listEvents',
    tag,
    summary: 'List events',
    description: 'Returns what has happened, newest first: the same bodies that webhooks receive.',
    access: 'key',
    list: true,
    query: Type.Object({ type: Type.Optional(oneOf(eventTypes, 'Only events of this type')) }),
    okDescription: 'A page of events',
    data,
    read: ({ caller, query }) =>
      listEvents(db, caller.environment.id, query.type, pageOf(query), (row) => eventJson(row, vault)),
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
      return eventJson(row, vault);
    },
  };
  return [list, get];
}
