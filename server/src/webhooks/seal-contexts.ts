/** Where the sealed answer of a receiver belongs: it may repeat the personal data that it was sent. */
export function responseBodyContext(deliveryId: string): string {
  return `deliveries.response_body:${deliveryId}`;
}

/** Where a webhook's sealed secret belongs. */
export function webhookSecretContext(webhookId: string): string {
  return `webhooks.secret:${webhookId}`;
}

/** Where the sealed secrets that a webhook had before belong. */
export function previousSecretsContext(webhookId: string): string {
  return `webhooks.previous_secrets:${webhookId}`;
}
