/**
 * A load with a test key, in a process of its own: `test-keys.mjs URL KEY KIND CONNECTIONS CUSTOMER`. Runs between the
 * messages `start` and `stop`, to which it answers when it has begun and when every answer is there.
 */
import { setPriority } from 'node:os';
import { Agent, request } from 'undici';

// The clients of a server are on other machines: what they cost must not look like what the server costs.
setPriority(5);
const [url, key, kind, connections, customerId] = process.argv.slice(2);
const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
const dispatcher = new Agent({ connections: Number(connections), headersTimeout: 120_000 });
const counts = {};
let isRunning = false;
/** Ends streams, which end by themselves only after minutes. */
let ending = new AbortController();
let number = 0;

async function send(path, body, signal) {
  const options = body === undefined ? { headers } : { method: 'POST', headers, body };
  const answer = await request(url + path, { ...options, signal, dispatcher });
  counts[answer.statusCode] = (counts[answer.statusCode] ?? 0) + 1;
  await answer.body.dump({ limit: Number.POSITIVE_INFINITY });
}

const person = (name) =>
  JSON.stringify({ email: `${name}@example.com`, firstName: 'Ada', lastName: 'Lovelace' });
/** As large as any body of a route may be, and wrong only at its end. */
const bigBody = JSON.stringify({ email: 'ada@example.com', metadata: { text: 'x'.repeat(63 * 1024) } });

const kinds = {
  reads: (turn) => send(`/v1/customers?limit=${100 + (turn % 100)}`),
  verify: () => send('/v1/ledger/verify'),
  writes: (turn) => send('/v1/customers', person(`load-${process.pid}-${turn}`)),
  bodies: () => send('/v1/customers', bigBody),
  streams: (turn) => (turn % 4 === 0 ? send('/v1/events/stream?cursor=start') : kinds.writes(turn)),
  single: () => send(`/v1/customers/${customerId}`),
};

async function client() {
  while (isRunning) {
    number += 1;
    await kinds[kind](number).catch(() => undefined);
  }
}

let clients = [];
process.on('message', async (message) => {
  isRunning = message === 'start';
  if (isRunning) clients = Array.from({ length: Number(connections) }, client);
  else {
    ending.abort();
    await Promise.all(clients);
    ending = new AbortController();
  }
  process.send?.({ counts });
});
process.on('disconnect', () => process.exit());
