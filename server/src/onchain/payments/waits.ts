import type { Chain } from '../../chains/registry.ts';
import { limits } from '../../platform/limits.ts';
import { arrayLiteral } from '../../store/arrays.ts';
import type { Pool } from '../../store/pool.ts';

/** Saves why payments wait, for the operator. @param waits the reason of each payment or order that waits, by its id */
export type WaitRecorder = (waits: ReadonlyMap<string, string>) => Promise<void>;

/** Creates the recorder of a chain. It writes only what has changed since its last call. */
export function createWaitRecorder(pool: Pool, chain: Chain): WaitRecorder {
  let saved: string | undefined;
  return async (waits) => {
    const entries = [...waits].slice(0, limits.paymentWaits);
    const text = JSON.stringify(entries);
    if (text === saved) return;
    const column = (at: 0 | 1): string =>
      arrayLiteral(
        'text',
        entries.map((entry) => entry[at]),
      );
    await pool.query(
      `with wanted as (select * from unnest($2::text[], $3::text[]) as w(id, reason)),
        gone as (delete from payment_waits p
          where p.chain = $1 and not exists (select from wanted w where w.id = p.id))
        insert into payment_waits (chain, id, reason, since) select $1, id, reason, now() from wanted
        on conflict (chain, id) do update set reason = excluded.reason, since = excluded.since
          where payment_waits.reason <> excluded.reason`,
      [chain, column(0), column(1)],
    );
    saved = text;
  };
}
