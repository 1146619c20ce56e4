import { Webhook } from 'standardwebhooks';
import { expect } from 'vitest';
import type { ApiAnswer, ApiClient } from './client.ts';
import { ok } from './factories.ts';
import { importSnippet } from './guides.ts';
import type { Received } from './receiver.ts';

type Data = ApiAnswer['data'];

/** The functions that the guide on webhooks gives its readers. */
const documented = await importSnippet<{
  isGenuine(rawBody: string, header: string, secret: string): boolean;
}>('webhooks', 'isGenuine');
const documentedStandard = await importSnippet<{
  isStandard(rawBody: string, headers: object, secret: string): boolean;
}>('webhooks', 'isStandard');

/** Whether a delivery is genuine by each style: X-Ledger-Signature by our documentation, and Standard Webhooks. */
export function genuine({ body, headers }: Received, secret: string) {
  const standard = (): boolean => {
    try {
      new Webhook(secret).verify(body, headers as Record<string, string>);
      return true;
    } catch {
      return false;
    }
  };
  return {
    ledger: documented.isGenuine(body, String(headers['x-ledger-signature']), secret),
    standard: standard(),
    withoutLibrary: documentedStandard.isStandard(body, headers, secret),
  };
}

/** Every attempt to deliver to a webhook, newest first. */
export function deliveriesOf(api: ApiClient, webhookId: string, query = ''): Promise<Data> {
  return ok(api.get(`/v1/webhooks/${webhookId}/deliveries?limit=200${query}`));
}

/** Waits until a webhook has had so many attempts and returns them. */
export async function attemptsOf(api: ApiClient, webhookId: string, count: number): Promise<Data> {
  const list = () => deliveriesOf(api, webhookId);
  await expect.poll(async () => (await list()).length, { timeout: 20_000 }).toBeGreaterThanOrEqual(count);
  return list();
}
