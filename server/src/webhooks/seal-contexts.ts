/** The seal context of a receiver's response, which may repeat the personal data that it was sent. */
export function responseBodyContext(deliveryId: string): string {
  return `deliveries.response_body:${deliveryId}`;
}

/** The seal context of a webhook's secret. */
export function webhookSecretContext(webhookId: string): string {
  return `webhooks.secret:${webhookId}`;
}

/** The seal context of a webhook's previous secrets. */
export function previousSecretsContext(webhookId: string): string {
  return `webhooks.previous_secrets:${webhookId}`;
}
