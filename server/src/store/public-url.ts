import { type Clock, toIsoTime } from '../platform/clock.ts';
import type { Pool } from './pool.ts';

/** Keeps where clients reach the servers, so that the command line tool makes links to the same place. */
export async function keepPublicUrl(pool: Pool, url: string, clock: Clock): Promise<void> {
  await pool.query(
    `insert into public_urls (id, url, updated_at) values (1, $1, $2)
      on conflict (id) do update set url = excluded.url, updated_at = excluded.updated_at`,
    [url, toIsoTime(clock.now())],
  );
}

/** Where clients reach the servers; undefined while none has ever listened. */
export async function findPublicUrl(pool: Pool): Promise<string | undefined> {
  const { rows } = await pool.query<{ url: string }>('select url from public_urls where id = 1');
  return rows[0]?.url;
}
