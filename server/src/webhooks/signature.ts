import { createHmac, randomBytes } from 'node:crypto';

/** The contents of a delivery's signature. */
export interface Signable {
  readonly eventId: string;
  readonly eventType: string;
  readonly rawBody: string;
  /** Newest first; more than one while a rotated secret is still valid. */
  readonly secrets: readonly string[];
  readonly timestampSeconds: number;
}

const secretPrefix = 'whsec_';

/** A new signing secret: `whsec_` and 32 random bytes in base64 (Standard Webhooks, "Signature scheme"). */
export function newWebhookSecret(): string {
  return secretPrefix + randomBytes(32).toString('base64');
}

/**
 * The headers of a delivery in both styles: `X-Ledger-*` (contract §4, Webhooks: HMAC-SHA-256 of `t.rawBody` with the
 * secret as given) and the Standard Webhooks ones (HMAC-SHA-256 of `id.t.rawBody` with the secret's decoded bytes).
 */
export function signatureHeaders({
  eventId,
  eventType,
  rawBody,
  secrets,
  timestampSeconds: t,
}: Signable): Record<string, string> {
  const ledger = secrets.map((secret) => `v1=${hmac(secret, `${t}.${rawBody}`, 'hex')}`);
  const standard = secrets.map((secret) => {
    const key = Buffer.from(secret.slice(secretPrefix.length), 'base64');
    return `v1,${hmac(key, `${eventId}.${t}.${rawBody}`, 'base64')}`;
  });
  return {
    'X-Ledger-Event-Id': eventId,
    'X-Ledger-Event-Type': eventType,
    'X-Ledger-Signature': [`t=${t}`, ...ledger].join(','),
    'webhook-id': eventId,
    'webhook-timestamp': String(t),
    'webhook-signature': standard.join(' '),
  };
}

function hmac(key: string | Buffer, text: string, encoding: 'hex' | 'base64'): string {
  return createHmac('sha256', key).update(text).digest(encoding);
}
