import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { printHtml } from '../../platform/html.ts';
import { newWebhookSecret, signatureHeaders } from '../../webhooks/signature.ts';
import { verifySnippet, webhooksSection } from './webhooks.ts';

const rawBody = '{"id":"evt_1","data":{"name":"Ädа €"}}';
const secrets = [newWebhookSecret(), newWebhookSecret()];
const now = Math.floor(Date.now() / 1000);

function signature(timestampSeconds: number): string {
  const headers = signatureHeaders({
    eventId: 'evt_1',
    eventType: 'webhook.test',
    rawBody,
    secrets,
    timestampSeconds,
  });
  return headers['X-Ledger-Signature'] ?? '';
}

/** Runs the snippet as a reader would, in a Node of its own. */
function isGenuine(...args: readonly string[]): boolean {
  const call = `console.log(isGenuine(...${JSON.stringify(args)}))`;
  const program = `${verifySnippet}\n${call}`;
  return (
    execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' }).trim() ===
    'true'
  );
}

it('accepts what the server sends, with either of two secrets', () => {
  for (const secret of secrets) expect(isGenuine(rawBody, signature(now), secret)).toBe(true);
});

it.each([
  ['another body', `${rawBody} `, signature(now), secrets[0]],
  ['another secret', rawBody, signature(now), newWebhookSecret()],
  ['an old delivery', rawBody, signature(now - 600), secrets[0]],
  ['a changed time', rawBody, signature(now).replace(`t=${now}`, `t=${now + 1}`), secrets[0]],
  ['no signature', rawBody, `t=${now}`, secrets[0]],
  ['an empty header', rawBody, '', secrets[0]],
  ['a signature that is no hex', rawBody, `t=${now},v1=zz,v1`, secrets[0]],
])('refuses %s', (_what, body, header, secret) => {
  expect(isGenuine(body, header, secret ?? '')).toBe(false);
});

it('tells the waits of the retries', () => {
  const waits = [...printHtml(webhooksSection()).matchAll(/<th scope="row">(\d+)<\/th><td>([^<]*)</g)];
  expect(waits.map(([, attempt, wait]) => `${attempt} ${wait}`)).toEqual([
    '1 none',
    '2 5 s',
    '3 30 s',
    '4 2 min',
    '5 10 min',
    '6 30 min',
    '7 1 h',
    '8 3 h',
    '9 6 h',
    '10 12 h',
  ]);
});
