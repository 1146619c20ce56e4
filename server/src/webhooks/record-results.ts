import type { IdSource } from '../platform/ids.ts';
import { limits } from '../platform/limits.ts';
import type { Logger } from '../platform/logger.ts';
import type { Metrics } from '../platform/metrics.ts';
import type { Vault } from '../platform/seal.ts';
import { disableWebhook } from '../resources/webhooks/commands.ts';
import type { Pool } from '../store/pool.ts';
import type { Writer } from '../writer/writer.ts';
import { type Attempt, recordAttempts } from './attempts.ts';

export interface RecordDeps {
  readonly pool: Pool;
  readonly ids: IdSource;
  readonly vault: Vault;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly writer: Writer;
}

/** Records attempts, and disables webhooks that answered 410 or have failed for too long. */
export async function recordResults(attempts: readonly Attempt[], deps: RecordDeps): Promise<void> {
  const { ids, logger, metrics, pool, vault, writer } = deps;
  const failing = await recordAttempts(pool, ids, vault, attempts);
  const successes = attempts.filter(({ success }) => success).length;
  if (successes > 0) metrics.deliveries.inc({ result: 'success' }, successes);
  if (successes < attempts.length) metrics.deliveries.inc({ result: 'failure' }, attempts.length - successes);
  // Once for each webhook, however many of its deliveries were under way: other attempts wait meanwhile.
  const gone = new Map(
    attempts
      .filter(({ httpStatus }) => httpStatus === 410)
      .map((attempt) => [attempt.due.webhook_id, attempt]),
  );
  const environments = new Map(attempts.map(({ due }) => [due.webhook_id, due.environment_id]));
  for (const { due, endedAt } of gone.values()) {
    await writer.submit(disableWebhook(due.environment_id, due.webhook_id, 'gone', endedAt));
    logger.warn({ webhookId: due.webhook_id }, 'a webhook was disabled: its receiver answered 410');
  }
  for (const { failing_since, last_failure_at, webhook_id } of failing) {
    if (Date.parse(last_failure_at) - Date.parse(failing_since) < limits.webhookFailingMs) continue;
    await writer.submit(
      disableWebhook(environments.get(webhook_id) ?? '', webhook_id, 'failing', failing_since),
    );
    logger.warn({ webhookId: webhook_id }, 'a webhook was disabled: every delivery has failed for too long');
  }
}
