import { arrayLiteral } from '../store/arrays.ts';
import { authenticatedColumns } from '../store/authenticated-rows.ts';
import { findEnvironments } from '../store/own-environments.ts';
import type { Pool } from '../store/pool.ts';
import type { EnvironmentRow } from '../store/tables/access.ts';
import type { WebhookRow } from '../store/tables/webhooks.ts';

/** The current state of a webhook, as delivering needs it. */
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

/**
 * Loads webhooks of current environments. Webhooks of a sandbox before its reset, and rows that are not authentic, are left
 * out.
 */
export async function loadRecipients(
  pool: Pool,
  webhooks: readonly { bucket: number; webhook_id: string }[],
): Promise<Recipient[]> {
  const { rows } = await pool.query<Omit<Recipient, 'kind'> & Record<string, unknown>>({
    name: 'load_recipients',
    text: `select ${authenticatedColumns('webhooks', 'w')}, w.secret, w.previous_secrets
      from unnest($1::int2[], $2::text[]) as c(bucket, id)
      join webhooks w on w.bucket = c.bucket and w.id = c.id`,
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
  const environments = await findEnvironments(
    pool,
    rows.map((row) => row.environment_id),
  );
  return rows.flatMap((row) => {
    const environment = environments.get(row.environment_id);
    return environment && pool.guard.admits('webhooks', row) ? [{ ...row, kind: environment.kind }] : [];
  });
}
