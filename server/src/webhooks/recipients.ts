import { arrayLiteral } from '../store/arrays.ts';
import type { Pool } from '../store/pool.ts';
import type { EnvironmentRow, WebhookRow } from '../store/rows.ts';

/** What delivering to a webhook needs to know of it, as it is now. */
export interface Recipient
  extends Pick<
    WebhookRow,
    | 'bucket'
    | 'id'
    | 'environment_id'
    | 'url'
    | 'status'
    | 'secret'
    | 'previous_secrets'
    | 'deleted_at'
    | 'max_concurrency'
    | 'max_per_second'
  > {
  readonly kind: EnvironmentRow['kind'];
}

/** Loads webhooks whose environment is still there: what belongs to a sandbox before its reset is left alone. */
export async function loadRecipients(
  pool: Pool,
  webhooks: readonly { bucket: number; webhook_id: string }[],
): Promise<Recipient[]> {
  const { rows } = await pool.query<Recipient>({
    name: 'load_recipients',
    text: `select w.bucket, w.id, w.environment_id, w.url, w.status, w.secret, w.previous_secrets, w.deleted_at,
        w.max_concurrency, w.max_per_second, e.kind
      from unnest($1::int2[], $2::text[]) as c(bucket, id)
      join webhooks w on w.bucket = c.bucket and w.id = c.id
      join environments e on e.current_id = w.environment_id`,
    values: [
      arrayLiteral(
        'int2',
        webhooks.map(({ bucket }) => bucket),
      ),
      arrayLiteral(
        'text',
        webhooks.map(({ webhook_id }) => webhook_id),
      ),
    ],
  });
  return rows;
}
