import { type Clock, toIsoTime } from '../platform/clock.ts';
import type { Vault } from '../platform/seal.ts';
import { prepareEvents } from '../resources/events/schema.ts';
import type { Pool } from '../store/pool.ts';
import { type ClaimRequest, claimDue, dropDue } from './claims.ts';
import type { DeliveryCapacity } from './delivery-capacity.ts';
import type { EndpointQueue } from './endpoint-queue.ts';
import { loadRecipients, type Recipient } from './recipients.ts';
import { signingSecrets } from './secrets.ts';

interface ClaimDeps {
  readonly pool: Pool;
  readonly clock: Clock;
  /** The time in an environment, in milliseconds since the Unix epoch. */
  readonly nowIn: (environmentId: string) => number;
  readonly vault: Vault;
}

/**
 * Claims deliveries for every queue that has room. Queues of webhooks that are disabled, deleted or gone are removed.
 *
 * @param onClaimed called for each queue that was claimed for, with its deliveries added
 * @returns whether anything was claimed
 */
export async function claimNext(
  queues: Map<string, EndpointQueue>,
  capacity: DeliveryCapacity,
  deps: ClaimDeps,
  onClaimed: (queue: EndpointQueue) => void,
): Promise<boolean> {
  const { clock, pool, vault } = deps;
  const open = [...queues.values()].filter(
    ({ claimed, hasMore, pace, recipient }) =>
      hasMore &&
      pace.roomToClaim(clock.now(), claimed.length) > 0 &&
      (!recipient || capacity.left(recipient.kind) > 0),
  );
  if (open.length === 0) return false;
  const recipients = new Map((await loadRecipients(pool, open)).map((one) => [one.id, one]));
  const requests: ClaimRequest[] = [];
  for (const queue of open) {
    const recipient = recipients.get(queue.webhook_id);
    const request = recipient && (await requestFor(queue, recipient, capacity, deps));
    if (request) requests.push(request);
    else if (request === undefined) queues.delete(queue.webhook_id);
  }
  if (requests.length === 0) return false;
  const claimed = await claimDue(pool, clock.now(), requests);
  await prepareEvents(
    claimed.map(({ event }) => event),
    vault,
  );
  for (const due of claimed) queues.get(due.webhook_id)?.claimed.push(due);
  for (const { limit, webhookId } of requests) {
    const queue = queues.get(webhookId);
    if (!queue) continue;
    queue.hasMore = claimed.filter((due) => due.webhook_id === webhookId).length === limit;
    onClaimed(queue);
  }
  return claimed.length > 0;
}

/**
 * Updates a queue by its webhook, and says what to claim for it.
 *
 * @returns null if there is no room; undefined if the webhook takes no deliveries
 */
async function requestFor(
  queue: EndpointQueue,
  recipient: Recipient,
  capacity: DeliveryCapacity,
  { clock, nowIn, pool, vault }: ClaimDeps,
): Promise<ClaimRequest | null | undefined> {
  const { bucket, webhook_id: webhookId } = queue;
  const nowMs = nowIn(recipient.environment_id);
  if (recipient.status !== 'active' || recipient.deleted_at !== null) {
    queue.claimed = [];
    await dropDue(pool, webhookId, toIsoTime(nowMs));
    return undefined;
  }
  queue.recipient = recipient;
  queue.secrets = signingSecrets(recipient, vault, nowMs);
  queue.pace.setLimits(recipient.max_concurrency, recipient.max_per_second);
  const { kind } = recipient;
  const limit = Math.min(queue.pace.roomToClaim(clock.now(), queue.claimed.length), capacity.left(kind));
  if (limit <= 0) return null;
  capacity.claimed(kind, limit);
  return { bucket, webhookId, dueBefore: toIsoTime(nowMs), limit };
}
