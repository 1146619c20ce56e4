import { type Clock, toIsoTime } from '../platform/clock.ts';
import type { Pool } from './pool.ts';

/** Stores the base URL that clients reach the servers by. The command line makes links with it. */
export async function keepPublicUrl(pool: Pool, url: string, clock: Clock): Promise<void> {
  await pool.query(
    `insert into public_urls (id, url, updated_at) values (1, $1, $2)
      on conflict (id) do update set url = excluded.url, updated_at = excluded.updated_at`,
    [url, toIsoTime(clock.now())],
  );
}

/** The base URL that clients reach the servers by; undefined until the first server has started. */
export async function findPublicUrl(pool: Pool): Promise<string | undefined> {
  const { rows } = await pool.query<{ url: string }>('select url from public_urls where id = 1');
  return rows[0]?.url;
}
