import type { IdSource } from '../platform/ids.ts';
import { limits } from '../platform/limits.ts';
import type { Vault } from '../platform/seal.ts';
import { arrayLiteral } from '../store/arrays.ts';
import { arrayParameters, columnArrays, columnList } from '../store/insert.ts';
import type { Pool } from '../store/pool.ts';
import { type DeliveryRow, deliveries } from '../store/tables/webhooks.ts';
import { withRetries } from '../store/transaction.ts';
import { type DueDelivery, queueKeys } from './claims.ts';
import { responseBodyContext } from './seal-contexts.ts';

/** How an attempt ended. */
export interface Attempt {
  readonly due: DueDelivery;
  readonly httpStatus: number | null;
  readonly success: boolean;
  readonly durationMs: number;
  readonly error: string | null;
  readonly responseBody: string | null;
  /** When the next attempt is due, by the environment's clock; null if there is none. */
  readonly nextAttemptAt: string | null;
  /** By the environment's clock. */
  readonly endedAt: string;
}

/** A failing webhook, and the time of its first failure without a later success. */
export interface Failing {
  readonly bucket: number;
  readonly webhook_id: string;
  readonly failing_since: string;
  readonly last_failure_at: string;
}

const first = Object.keys(deliveries.columns).length + 1;
const keys = (at: number): string => `unnest($${at}::int2[], $${at + 1}::text[], $${at + 2}::text[]`;

/**
 * One statement, so that an attempt is recorded and its queue row deleted (or rescheduled), or neither. An attempt that was
 * made twice, because its lease expired, counts once. A pause without attempts as long as the time that disables a webhook
 * restarts the count.
 */
const recordText = `with kept as (insert into deliveries (${columnList(deliveries)})
    select * from unnest(${arrayParameters(Object.values(deliveries.columns), 1)})),
  done as (delete from delivery_queue q using ${keys(first)}) as d(bucket, webhook_id, event_id)
    where q.bucket = d.bucket and q.webhook_id = d.webhook_id and q.event_id = d.event_id),
  retried as (update delivery_queue q set attempt_number = d.attempt_number + 1, next_attempt_at = d.next_attempt_at,
      claimed_until = null
    from ${keys(first + 3)}, $${first + 6}::int2[], $${first + 7}::timestamptz[])
      as d(bucket, webhook_id, event_id, attempt_number, next_attempt_at)
    where q.bucket = d.bucket and q.webhook_id = d.webhook_id and q.event_id = d.event_id
      and q.attempt_number = d.attempt_number),
  recovered as (update webhook_states s set failing_since = null
    from unnest($${first + 8}::int2[], $${first + 9}::text[]) as d(bucket, webhook_id)
    where s.bucket = d.bucket and s.webhook_id = d.webhook_id and s.failing_since is not null)
  insert into webhook_states as s (bucket, webhook_id, failing_since, last_failure_at)
    select d.bucket, d.webhook_id, d.at, d.at
    from unnest($${first + 10}::int2[], $${first + 11}::text[], $${first + 12}::timestamptz[]) as d(bucket, webhook_id, at)
  on conflict (bucket, webhook_id) do update set last_failure_at = excluded.last_failure_at,
    failing_since = case when s.failing_since is null or s.last_failure_at < excluded.last_failure_at - interval '${limits.webhookFailingMs} milliseconds'
        or s.failing_since < (select w.enabled_at from webhooks w
          where w.bucket = excluded.bucket and w.id = excluded.webhook_id)
      then excluded.last_failure_at else s.failing_since end
  returning s.bucket, s.webhook_id, s.failing_since, s.last_failure_at`;

/**
 * Records attempts. Each is stored, and its queue row deleted or rescheduled.
 *
 * @returns the webhooks whose last success is older than their first failure
 */
export async function recordAttempts(
  pool: Pool,
  ids: IdSource,
  vault: Vault,
  attempts: readonly Attempt[],
): Promise<Failing[]> {
  const rows = attempts.map((attempt) => deliveryRow(attempt, ids, vault));
  const columns = Object.keys(deliveries.columns) as (keyof DeliveryRow & string)[];
  const done = attempts.filter(({ nextAttemptAt }) => nextAttemptAt === null).map(({ due }) => due);
  const retried = attempts.filter(({ nextAttemptAt }) => nextAttemptAt !== null);
  const succeeded = webhooksOf(attempts.filter(({ success }) => success));
  const failed = webhooksOf(
    attempts.filter(({ due, success }) => !success && !succeeded.has(due.webhook_id)),
  );
  const lists = (of: Map<string, Attempt>) => [
    arrayLiteral(
      'int2',
      [...of.values()].map(({ due }) => due.bucket),
    ),
    arrayLiteral('text', [...of.keys()]),
  ];
  const statement = {
    name: 'record_attempts',
    text: recordText,
    values: [
      ...columnArrays(deliveries, columns, rows),
      ...queueKeys(done),
      ...queueKeys(retried.map(({ due }) => due)),
      arrayLiteral(
        'int2',
        retried.map(({ due }) => due.attempt_number),
      ),
      arrayLiteral(
        'timestamptz',
        retried.map(({ nextAttemptAt }) => nextAttemptAt),
      ),
      ...lists(succeeded),
      ...lists(failed),
      arrayLiteral(
        'timestamptz',
        [...failed.values()].map(({ endedAt }) => endedAt),
      ),
    ],
  };
  const { rows: failing } = await withRetries(() => pool.query<Failing>(statement));
  return failing;
}

/** The webhooks of these attempts, each with its last attempt, by id: processes lock their states in the same order. */
function webhooksOf(attempts: readonly Attempt[]): Map<string, Attempt> {
  const last = new Map(attempts.map((attempt) => [attempt.due.webhook_id, attempt]));
  return new Map([...last].sort(([one], [other]) => (one < other ? -1 : 1)));
}

function deliveryRow({ due, ...attempt }: Attempt, ids: IdSource, vault: Vault): DeliveryRow {
  const id = ids.next('whd', due.bucket);
  return {
    bucket: due.bucket,
    id,
    environment_id: due.environment_id,
    webhook_id: due.webhook_id,
    event_id: due.event_id,
    event_type: due.event.type,
    attempt_number: due.attempt_number,
    http_status: attempt.httpStatus,
    success: attempt.success,
    duration_ms: Math.round(attempt.durationMs),
    error: attempt.error,
    response_body:
      attempt.responseBody === null
        ? null
        : vault.sealLike(due.event.data, due.environment_id, attempt.responseBody, responseBodyContext(id)),
    next_attempt_at: attempt.nextAttemptAt,
    created_at: attempt.endedAt,
  };
}
