import { createHmac, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';

const toleranceSeconds = 300;

/**
 * Starts a receiver for webhooks on a free port of this machine. It answers 200 and keeps what arrives: each event once,
 * however often it is delivered.
 */
export async function startReceiver() {
  const events = new Map();
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const rawBody = Buffer.concat(chunks).toString('utf8');
    const id = request.headers['x-ledger-event-id'] ?? `delivery ${events.size + 1}`;
    events.set(id, { headers: request.headers, rawBody });
    response.end('ok');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    url: `http://127.0.0.1:${port}/hooks`,
    /** What has arrived: headers and raw body of each event. */
    events: () => [...events.values()],
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/**
 * Verifies a delivery the way every receiver should.
 *
 * @param secret the webhook's `whsec_…`, as it was given
 * @returns what is wrong, or undefined when the delivery is genuine
 */
export function signatureFault({ headers, rawBody }, secret) {
  const fields = String(headers['x-ledger-signature'] ?? '').split(',');
  const timestamp = fields.find((field) => field.startsWith('t='))?.slice(2) ?? '';
  if (!/^\d+$/.test(timestamp)) return 'X-Ledger-Signature has no time';
  if (Math.abs(Date.now() / 1000 - Number(timestamp)) > toleranceSeconds) return 'the signature is too old';
  const expected = createHmac('sha256', secret).update(`${timestamp}.${rawBody}`).digest();
  const genuine = fields
    .filter((field) => field.startsWith('v1='))
    .map((field) => Buffer.from(field.slice(3), 'hex'))
    .some((given) => given.length === expected.length && timingSafeEqual(given, expected));
  return genuine ? undefined : 'the signature does not fit the body';
}
