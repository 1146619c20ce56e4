import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';

/** A receiver under load: which events it has accepted, how soon each came first, and how many requests it had. */
export interface LoadReceiver {
  readonly name: string;
  readonly url: string;
  readonly accepted: ReadonlySet<string>;
  /** From the event's `createdAt` to its first arrival, in milliseconds, by event. */
  readonly firstSeenMs: ReadonlyMap<string, number>;
  requests(): number;
  close(): Promise<void>;
}

type Answer = (response: ServerResponse) => boolean | Promise<boolean>;

/** @param answer answers a request; tells whether it has accepted the event */
async function startLoadReceiver(name: string, answer: Answer): Promise<LoadReceiver> {
  const accepted = new Set<string>();
  const firstSeenMs = new Map<string, number>();
  let requests = 0;
  const server = createServer((incoming, response) => {
    let body = '';
    incoming.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    incoming.on('end', async () => {
      requests += 1;
      const id = String(incoming.headers['x-ledger-event-id']);
      const createdAt = /"createdAt":"([^"]+)"/.exec(body)?.[1] ?? '';
      if (!firstSeenMs.has(id)) firstSeenMs.set(id, Date.now() - Date.parse(createdAt));
      if (await answer(response)) accepted.add(id);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  return {
    name,
    url: `http://127.0.0.1:${port}/${name}`,
    accepted,
    firstSeenMs,
    requests: () => requests,
    async close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

const ok: Answer = (response) => {
  response.end('ok');
  return true;
};

/** Two that are healthy, and one each that is slow, flapping, and down (nothing listens any more). */
export async function startLoadReceivers(slowMs: number, flapMs: number): Promise<LoadReceiver[]> {
  const slow: Answer = (response) =>
    new Promise((resolve) => {
      setTimeout(() => resolve(response.destroyed ? false : !!response.end('ok')), slowMs);
    });
  const flapping: Answer = (response) => {
    if (Math.floor(Date.now() / flapMs) % 2 === 0) return ok(response);
    response.writeHead(503).end('not now');
    return false;
  };
  const receivers = await Promise.all([
    startLoadReceiver('healthy', ok),
    startLoadReceiver('healthy-too', ok),
    startLoadReceiver('slow', slow),
    startLoadReceiver('flapping', flapping),
    startLoadReceiver('down', ok),
  ]);
  await receivers.at(-1)?.close();
  return receivers;
}

/** The value that so large a part of the values is not above. */
export function percentile(values: Iterable<number>, part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? 0;
}
