import type { Db } from '../../store/database.ts';
import { findRow } from '../../store/find.ts';
import { type Page, toPage } from '../../store/paging.ts';
import type { EventRow } from '../../store/rows.ts';
import type { PageRequest } from '../paging.ts';

/** The event by this id, if it is one of the environment's. */
export async function findEvent(db: Db, environmentId: string, id: string): Promise<EventRow | undefined> {
  return findRow(db, 'events', environmentId, id);
}

/** A page of the environment's events, newest first. */
export async function listEvents<Item>(
  db: Db,
  environmentId: string,
  type: string | undefined,
  { afterId, limit }: PageRequest,
  toItem: (row: EventRow) => Item,
): Promise<Page<Item>> {
  let query = db.selectFrom('events').selectAll().where('environment_id', '=', environmentId);
  if (type !== undefined) query = query.where('type', '=', type);
  if (afterId !== undefined) query = query.where('id', '<', afterId);
  const rows = await query
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute();
  return toPage(rows, limit, toItem);
}
