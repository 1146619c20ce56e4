import type { DueDelivery } from './claims.ts';
import { createPace, type Pace } from './pace.ts';
import type { Recipient } from './recipients.ts';

/** The deliveries to one webhook in this process. Each webhook has its own queue, so that none waits for another. */
export interface EndpointQueue {
  readonly bucket: number;
  readonly webhook_id: string;
  readonly pace: Pace;
  /** Claimed deliveries that have not started. */
  claimed: DueDelivery[];
  recipient: Recipient | undefined;
  /** The secrets that sign the next delivery, the newest first. */
  secrets: readonly string[];
  /** Whether the table may hold more deliveries for the webhook. */
  hasMore: boolean;
}

export function createEndpointQueue(bucket: number, webhookId: string): EndpointQueue {
  return {
    bucket,
    webhook_id: webhookId,
    pace: createPace(),
    claimed: [],
    recipient: undefined,
    secrets: [],
    hasMore: true,
  };
}
