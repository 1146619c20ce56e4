import type { WebhookRow } from '../../store/rows.ts';

/** A webhook with a status: what it says of when and why changes only with it. @param now by the environment's clock */
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
