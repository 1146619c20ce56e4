import { expect, it, vi } from 'vitest';
import { systemClock } from '../platform/clock.ts';
import { createIdSource } from '../platform/ids.ts';
import { createLogger } from '../platform/logger.ts';
import { createMetrics } from '../platform/metrics.ts';
import type { Attempt } from './attempts.ts';
import { type RecordDeps, recordResults } from './record-results.ts';

const at = '2026-01-01T00:00:00.000Z';

function gone(webhookId: string, eventId: string, endedAt: string): Attempt {
  const event = {
    id: eventId,
    environment_id: 'env_a',
    type: 'webhook.test',
    created_at: at,
    data: '{}',
    previous_attributes: null,
  };
  const row = { bucket: 0, webhook_id: webhookId, event_id: eventId, environment_id: 'env_a' };
  return {
    due: { ...row, attempt_number: 1, event, claimedUntil: at, startBeforeMs: 0 },
    httpStatus: 410,
    success: false,
    durationMs: 1,
    error: 'The receiver answered 410.',
    responseBody: null,
    nextAttemptAt: null,
    endedAt,
  };
}

it('disables a webhook once, however many of its deliveries were answered 410', async () => {
  const submit = vi.fn(async () => ({ kind: 'accepted', result: '' }));
  const deps = {
    pool: { query: async () => ({ rows: [] }) },
    ids: createIdSource(systemClock),
    vault: {},
    logger: createLogger('silent'),
    metrics: createMetrics(() => 0),
    writer: { submit },
  } as unknown as RecordDeps;
  const attempts = Array.from({ length: 20 }, (_, index) =>
    gone(`whk_${index % 2}`, `evt_${index}`, at.replace('00.000', `${10 + index}.000`)),
  );
  await recordResults(attempts, deps);
  expect(submit).toHaveBeenCalledTimes(2);
});
