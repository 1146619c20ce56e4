import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Agent, request } from 'undici';

/** One request of the load: what it is, and the answer if there was a whole one. */
export interface Sent {
  readonly kind: 'transfer' | 'refused' | 'deposit' | 'customer';
  readonly path: string;
  /** Also the reference by which its effect is found again. */
  readonly key: string;
  readonly body: object;
  answer?: { readonly status: number; readonly text: string };
}

/** What the load works on. */
export interface Fixture {
  readonly customerId: string;
  readonly walletIds: readonly string[];
  readonly emptyWalletId: string;
}

/** Random numbers 0..1 from a seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Each deposit has an amount of its own, by which it is found again. */
function depositAmount(number: number): string {
  return `5.${String(number).padStart(6, '0')}`;
}

/** Draws requests: transfers, deposits, customers, and transfers that are refused for want of money. */
export function createDraw(fixture: Fixture, random: () => number): () => Sent {
  let number = 0;
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)] as Item;
  const transfer = (walletId: string, key: string): object => ({
    customerId: fixture.customerId,
    walletId,
    amount: '1.00',
    destinationCurrency: 'usdc',
    destinationPaymentRail: 'base',
    destinationAddress: '0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045',
    clientReferenceId: key,
  });
  return () => {
    number += 1;
    const key = `crash-${number}`;
    const draw = random();
    if (draw < 0.5) {
      const body = transfer(pick(fixture.walletIds), key);
      return { kind: 'transfer', path: '/v1/transfers', key, body };
    }
    if (draw < 0.55) {
      return { kind: 'refused', path: '/v1/transfers', key, body: transfer(fixture.emptyWalletId, key) };
    }
    if (draw < 0.75) {
      const body = {
        walletId: pick(fixture.walletIds),
        chain: 'solana',
        currency: 'usdc',
        amount: depositAmount(number),
      };
      return { kind: 'deposit', path: '/v1/sandbox/crypto-deposits', key, body };
    }
    const body = { email: `${key}@example.com`, firstName: 'Ada', lastName: 'Lovelace', externalId: key };
    return { kind: 'customer', path: '/v1/customers', key, body };
  };
}

/** Calls the API of the server process under test. */
export interface Caller {
  get(path: string): Promise<{ status: number; text: string }>;
  post(
    path: string,
    body: object,
    key?: string,
  ): Promise<{ status: number; text: string; replayed: boolean }>;
}

export function createCaller(url: string, testKey: string, dispatcher: Agent): Caller {
  const headers = { authorization: `Bearer ${testKey}`, 'content-type': 'application/json' };
  return {
    async get(path) {
      const answer = await request(url + path, { headers, dispatcher });
      return { status: answer.statusCode, text: await answer.body.text() };
    },
    async post(path, body, key) {
      const answer = await request(url + path, {
        method: 'POST',
        headers: key === undefined ? headers : { ...headers, 'idempotency-key': key },
        body: JSON.stringify(body),
        dispatcher,
      });
      const replayed = answer.headers['idempotent-replayed'] === 'true';
      return { status: answer.statusCode, text: await answer.body.text(), replayed };
    },
  };
}

/** Makes a customer with wallets that hold enough, an empty wallet, and the webhook, if there is one. */
export async function prepareFixture(caller: Caller, webhookUrl?: string): Promise<Fixture> {
  const make = async (path: string, body: object): Promise<{ id: string }> => {
    const { status, text } = await caller.post(path, body);
    if (status !== 200) throw new Error(`${path}: ${status} ${text}`);
    return JSON.parse(text).data;
  };
  if (webhookUrl !== undefined) await make('/v1/webhooks', { url: webhookUrl, events: ['*'] });
  const person = { email: 'ada@example.com', firstName: 'Ada', lastName: 'Lovelace' };
  const { id: customerId } = await make('/v1/customers', person);
  await make(`/v1/sandbox/customers/${customerId}/kyc`, { kycStatus: 'approved' });
  const walletIds = [];
  for (let index = 0; index < 4; index += 1) {
    const { id: walletId } = await make('/v1/crypto-wallets', { customerId });
    const money = { chain: 'base', currency: 'usdc', amount: '1000000' };
    await make('/v1/sandbox/crypto-deposits', { walletId, ...money });
    walletIds.push(walletId);
  }
  const { id: emptyWalletId } = await make('/v1/crypto-wallets', { customerId });
  return { customerId, walletIds, emptyWalletId };
}

/**
 * Sends requests from many clients concurrently as long as `goOn` says, whatever happens to them.
 *
 * @param callers each client has one of them
 * @param onAnswer is told of each acknowledgement
 * @param onLost is told when a connection fails, so that there is no answer
 * @returns everything that was sent; what was not acknowledged has no answer
 * @throws Error when an answer is no envelope: a server in trouble still speaks as documented
 */
export async function sendWhile(
  callers: readonly Caller[],
  draw: () => Sent,
  clients: number,
  goOn: () => boolean,
  { onAnswer, onLost }: { onAnswer?: () => void; onLost?: () => void } = {},
): Promise<Sent[]> {
  const sent: Sent[] = [];
  const client = async (_: unknown, index: number): Promise<void> => {
    const caller = callers[index % callers.length] as Caller;
    while (goOn()) {
      const next = draw();
      sent.push(next);
      const answer = await caller.post(next.path, next.body, next.key).catch(() => onLost?.());
      if (answer) acknowledge(next, answer);
      if (next.answer) onAnswer?.();
      else await sleep(20);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return sent;
}

/** The same until the server is gone. */
export function sendUntilGone(caller: Caller, draw: () => Sent, clients: number): Promise<Sent[]> {
  let isGone = false;
  const onLost = (): void => {
    isGone = true;
  };
  return sendWhile([caller], draw, clients, () => !isGone, { onLost });
}

/** Success and the refusals that the load asks for count; any other answer means that the request is to be sent again. */
function acknowledge(request: Sent, { status, text }: { status: number; text: string }): void {
  const { error, ok } = JSON.parse(text);
  if (ok !== (status === 200) || (!ok && typeof error?.code !== 'string'))
    throw new Error(`No envelope: ${status} ${text}`);
  if (status === 200 || status === 400) request.answer = { status, text };
}

/** Receives webhooks, answers 200 and counts how often each event came. */
export interface CountingReceiver {
  readonly url: string;
  readonly deliveries: ReadonlyMap<string, number>;
  close(): Promise<void>;
}

export async function startCountingReceiver(): Promise<CountingReceiver> {
  const deliveries = new Map<string, number>();
  const server = createServer((incoming, response) => {
    incoming.resume().once('end', () => {
      const id = String(incoming.headers['x-ledger-event-id']);
      deliveries.set(id, (deliveries.get(id) ?? 0) + 1);
      response.end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}/hooks`,
    deliveries,
    async close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Reads a whole list. */
// biome-ignore lint/suspicious/noExplicitAny: tests reach into items of every shape
export async function walk(caller: Caller, path: string): Promise<any[]> {
  const items = [];
  for (let cursor = ''; ; ) {
    const separator = path.includes('?') ? '&' : '?';
    const { text } = await caller.get(`${path}${separator}limit=200${cursor}`);
    const { data, nextCursor } = JSON.parse(text);
    items.push(...data);
    if (nextCursor === null) return items;
    cursor = `&cursor=${encodeURIComponent(nextCursor)}`;
  }
}

/** Looks again and again until `done` holds, or the time is up. */
export async function waitUntil(done: () => boolean | Promise<boolean>, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (!(await done())) {
    if (Date.now() > deadline) return false;
    await sleep(100);
  }
  return true;
}

/** Runs `work` on every item, some of them concurrently. */
export async function forEachOf<Item>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const rest = [...items];
  const worker = async (): Promise<void> => {
    for (let item = rest.shift(); item !== undefined; item = rest.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}
