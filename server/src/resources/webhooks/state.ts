import type { WebhookRow } from '../../store/tables/webhooks.ts';

/** A webhook in a status. Times and reason change only with the status. @param now ISO 8601, by the environment's clock */
export function withStatus(
  row: WebhookRow,
  status: WebhookRow['status'],
  cause: NonNullable<WebhookRow['disabled_reason']>,
  now: string,
): WebhookRow {
  if (row.status === status) return row;
  return status === 'active'
    ? { ...row, status, enabled_at: now, disabled_at: null, disabled_reason: null }
    : { ...row, status, disabled_at: now, disabled_reason: cause };
}
