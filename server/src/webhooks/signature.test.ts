import { createHmac, timingSafeEqual } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { newWebhookSecret, signatureHeaders } from './signature.ts';

const rawBody =
  '{"id":"evt_1","type":"webhook.test","createdAt":"2026-01-15T11:00:00.000Z","data":{"ü":"€"}}';
const now = () => Math.floor(Date.now() / 1000);
const sign = (secrets: string[], timestampSeconds = now()) =>
  signatureHeaders({ eventId: 'evt_1', eventType: 'webhook.test', rawBody, secrets, timestampSeconds });

/** Verifies a delivery with nothing but what the documentation says. */
function verify(header: string, body: string, secret: string, toleranceSeconds = 300): boolean {
  const parts = header.split(',').map((part) => part.split('=') as [string, string]);
  const t = parts.find(([name]) => name === 't')?.[1] ?? '';
  if (Math.abs(now() - Number(t)) > toleranceSeconds) return false;
  const expected = createHmac('sha256', secret).update(`${t}.${body}`).digest();
  return parts.some(([name, hex]) => name === 'v1' && timingSafeEqual(Buffer.from(hex, 'hex'), expected));
}

describe('a signature', () => {
  it('is verified by the standardwebhooks package', () => {
    const secret = newWebhookSecret();
    expect(new Webhook(secret).verify(rawBody, sign([secret]))).toEqual(JSON.parse(rawBody));
    expect(() => new Webhook(newWebhookSecret()).verify(rawBody, sign([secret]))).toThrow();
    expect(() => new Webhook(secret).verify(rawBody.replace('€', '$'), sign([secret]))).toThrow();
  });

  it('is verified by a verifier written from the documentation', () => {
    const secret = newWebhookSecret();
    const { 'X-Ledger-Signature': header = '' } = sign([secret]);
    expect(header).toMatch(/^t=\d{10},v1=[0-9a-f]{64}$/);
    expect(verify(header, rawBody, secret)).toBe(true);
    expect(verify(header, `${rawBody} `, secret)).toBe(false);
    expect(verify(header, rawBody, newWebhookSecret())).toBe(false);
    expect(verify(sign([secret], now() - 3600)['X-Ledger-Signature'] ?? '', rawBody, secret)).toBe(false);
  });

  it('is made with every secret that is valid, in both styles', () => {
    const [fresh, old] = [newWebhookSecret(), newWebhookSecret()];
    const headers = sign([fresh, old]);
    for (const secret of [fresh, old]) {
      expect(verify(headers['X-Ledger-Signature'] ?? '', rawBody, secret)).toBe(true);
      expect(new Webhook(secret).verify(rawBody, headers)).toBeTruthy();
    }
    expect(headers['X-Ledger-Signature']?.match(/v1=/g)).toHaveLength(2);
  });

  it('has the event named in the headers, and a secret of 32 random bytes', () => {
    expect(sign([newWebhookSecret()])).toMatchObject({
      'X-Ledger-Event-Id': 'evt_1',
      'X-Ledger-Event-Type': 'webhook.test',
      'webhook-id': 'evt_1',
    });
    expect(Buffer.from(newWebhookSecret().slice(6), 'base64')).toHaveLength(32);
  });
});
