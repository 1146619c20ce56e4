import { connect } from 'node:net';
import { expect } from 'vitest';
import type { App } from '../../server/src/app.ts';
import { bucketOfId } from '../../server/src/platform/ids.ts';
import {
  createKey,
  createOrganisation,
  drawKey,
  printKey,
  revokeKey,
} from '../../server/src/resources/api-keys/commands.ts';
import { findCustomerIn } from '../../server/src/resources/customers/commands.ts';
import type { Command } from '../../server/src/writer/command.ts';
import { type ApiAnswer, type ApiClient, createClient } from './client.ts';
import type { TestServer } from './server.ts';

/** What tests need again and again, made through the API where it can be. */

export const person = { email: 'ada@example.com', firstName: 'Ada', lastName: 'Lovelace' };

/** An address of each chain family that passes its checks. */
export const address = {
  evm: '0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045',
  solana: '9WzDXwBbmkg8ZTbNMqUxvQRAyrZzDsGYdLVL9zYtAWWM',
  tron: 'TDvr6Jpwfp1wDiV7PhaB19YMsMHRSXmY7p',
};

// The client's own type: tests reach into answers of every shape.
type Data = ApiAnswer['data'];

/** The data of an answer that must have gone well. */
export async function ok(answer: Promise<ApiAnswer>): Promise<Data> {
  const { data, status, text } = await answer;
  expect(status, text).toBe(200);
  return data;
}

/** A customer who has proved nothing yet. */
export function newCustomer(api: ApiClient, body: object = {}): Promise<Data> {
  return ok(api.post('/v1/customers', { ...person, ...body }));
}

/** Sets a customer's verification. */
export function decideKyc(api: ApiClient, customerId: string, kycStatus: string, more = {}): Promise<Data> {
  return ok(api.post(`/v1/sandbox/customers/${customerId}/kyc`, { kycStatus, ...more }));
}

/** A customer who may do everything. */
export async function approvedCustomer(api: ApiClient, body: object = {}): Promise<Data> {
  return decideKyc(api, (await newCustomer(api, body)).id, 'approved');
}

/** A wallet of a new approved customer, or of the one named. */
export async function newWallet(api: ApiClient, customerId?: string): Promise<Data> {
  const owner = customerId ?? (await approvedCustomer(api)).id;
  return ok(api.post('/v1/crypto-wallets', { customerId: owner }));
}

/** Lets a deposit arrive. */
export function deposit(api: ApiClient, walletId: string, amount: string, more = {}): Promise<Data> {
  const body = { walletId, chain: 'solana', currency: 'usdc', amount, ...more };
  return ok(api.post('/v1/sandbox/crypto-deposits', body));
}

/** A counterparty of a customer; `body` says which account it is. */
export function newPayee(api: ApiClient, customerId: string, body: object): Promise<Data> {
  return ok(api.post('/v1/counterparties', { customerId, accountOwnerName: 'Ada Lovelace', ...body }));
}

/** A US account with this number. */
export const usBank = (accountNumber = '123456789') => ({
  currency: 'usd',
  accountType: 'us_bank',
  account: { account_number: accountNumber, routing_number: '021000021' },
});

/** A wallet with so much USDC in it. */
export async function fundedWallet(api: ApiClient, amount: string): Promise<Data> {
  const wallet = await newWallet(api);
  await deposit(api, wallet.id, amount);
  return wallet;
}

/** The body of a transfer out of a wallet. */
export function transferBody(wallet: { id: string; customerId: string }, more: object = {}) {
  return {
    customerId: wallet.customerId,
    walletId: wallet.id,
    amount: '1.00',
    destinationCurrency: 'usdc',
    destinationPaymentRail: 'solana',
    destinationAddress: address.solana,
    ...more,
  };
}

/** The available USDC of a wallet. */
export async function balanceOf(api: ApiClient, walletId: string): Promise<string> {
  return (await ok(api.get(`/v1/crypto-wallets/${walletId}/balance`))).balance;
}

/** Waits until the transaction has a status and returns it. */
export async function inStatus(api: ApiClient, transactionId: string, status: string): Promise<Data> {
  const read = () => ok(api.get(`/v1/transactions/${transactionId}`));
  await expect.poll(async () => (await read()).status, { timeout: 30_000 }).toBe(status);
  return read();
}

/** Waits for the end of a transfer on a chain and returns it. */
export function completed(api: ApiClient, transactionId: string): Promise<Data> {
  return inStatus(api, transactionId, 'completed');
}

/** An amount of six decimals as whole units. */
export function minor(text: string): bigint {
  const [whole = '', fraction = ''] = text.split('.');
  return BigInt(whole + fraction.padEnd(6, '0'));
}

/** Every item of a list, page by page. */
export async function walk(api: ApiClient, path: string, limit: number, onPage?: () => Promise<unknown>) {
  const items: Data[] = [];
  let cursor: string | null | undefined;
  do {
    const query = `limit=${limit}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`;
    const page = await api.get(`${path}${path.includes('?') ? '&' : '?'}${query}`);
    expect(page.data.length).toBeLessThanOrEqual(limit);
    items.push(...page.data);
    cursor = page.nextCursor;
    await onPage?.();
  } while (cursor);
  return items;
}

/** Another organisation on the same server, with clients for both of its environments. */
export async function newOrganisation({ app }: Pick<TestServer, 'app'>, name: string) {
  const keys = { test: drawKey(), live: drawKey() };
  await app.writer.submit(createOrganisation(name, keys, 7));
  const [testKey, liveKey] = [printKey('test', keys.test), printKey('live', keys.live)];
  return {
    testKey,
    liveKey,
    api: await createClient(app.url, testKey),
    live: await createClient(app.url, liveKey),
  };
}

/** The environment that a key opens. */
export async function environmentOf({ app }: { app: App }, key: string): Promise<string> {
  const { rows } = await app.pool.query<{ environment_id: string }>(
    'select environment_id from api_keys where prefix = $1',
    [key.split('_')[2]],
  );
  return rows[0]?.environment_id ?? '';
}

/** Another key of the server's own test environment. */
export async function addKey(
  server: TestServer,
): Promise<{ id: string; key: string; revoke(): Promise<void> }> {
  const environment = await environmentOf(server, server.testKey);
  const drawn = drawKey();
  // Keys lie in the bucket of their environment: 0, where the first organisation is made.
  const made = await server.app.writer.submit(
    createKey({ bucket: 0, id: environment }, 'another key', drawn),
  );
  if (made.kind !== 'accepted') throw new Error('No key was made');
  return {
    id: made.result,
    key: printKey('test', drawn),
    async revoke() {
      await server.app.writer.submit(revokeKey(environment, made.result));
    },
  };
}

/** Suspends a customer by the write path: no route does it yet. */
export async function suspend({ writer }: App, environmentId: string, customerId: string): Promise<void> {
  const bucket = bucketOfId(customerId);
  const command: Command<string> = {
    name: 'suspend_customer',
    environmentId,
    bucket,
    reads: () => [{ table: 'customers', bucket, id: customerId }],
    decide(state, context) {
      const row = findCustomerIn(state, context, customerId);
      if (!row) throw new Error('No such customer');
      return { result: row.id, writes: [{ table: 'customers', row: { ...row, status: 'suspended' } }] };
    },
  };
  expect((await writer.submit(command)).kind).toBe('accepted');
}

/** The id of nothing, in the same bucket and of the same form as a real one. */
export function missingLike(id: string): string {
  const at = id.length - 6;
  return id.slice(0, at) + (id[at] === '0' ? '1' : '0') + id.slice(at + 1);
}

/** A clock that stands still until it is moved. */
export function stoppedClock() {
  let nowMs = Date.now();
  return {
    now: () => nowMs,
    advance: (byMs: number) => {
      nowMs += byMs;
    },
  };
}

/** Sends bytes over a socket of their own and returns all that comes back until the server closes it. */
export function rawExchange(baseUrl: string, bytes: string | Buffer): Promise<string> {
  const { hostname, port } = new URL(baseUrl);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    let text = '';
    socket.setEncoding('utf8').setTimeout(20_000, () => socket.destroy(new Error('No answer')));
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('close', () => resolve(text));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      // The server may close while we are still sending: what it said before counts.
      if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') reject(error);
    });
    socket.write(bytes);
  });
}

async function tableNames({ pool }: App): Promise<string[]> {
  const { rows } = await pool.query<{ name: string }>(
    `select table_name as name from information_schema.tables
      where table_schema = 'public' and table_type = 'BASE TABLE' order by 1`,
  );
  return rows.map(({ name }) => name);
}

/** Every row of every table, as PostgreSQL prints it. */
export async function allRows(app: App): Promise<Map<string, string[]>> {
  const tables = new Map<string, string[]>();
  for (const name of await tableNames(app)) {
    const { rows } = await app.pool.query<{ row: string }>(
      `select t::text as row from "${name}" t order by 1`,
    );
    tables.set(
      name,
      rows.map(({ row }) => row),
    );
  }
  return tables;
}

/**
 * Remembers every row of every table. The returned function names the tables that have changed since; how far events
 * were handed out is the workers' own affair and left out.
 */
export async function watchRows(app: App): Promise<() => Promise<string[]>> {
  const before = await allRows(app);
  return async () => {
    const after = await allRows(app);
    const names = new Set([...before.keys(), ...after.keys()]);
    names.delete('fan_out_positions');
    return [...names].filter((name) => String(before.get(name)) !== String(after.get(name)));
  };
}

/** How many rows a table has. */
export async function countRows({ pool }: App, table: string): Promise<number> {
  const { rows } = await pool.query<{ count: bigint }>(`select count(*) as count from "${table}"`);
  return Number(rows[0]?.count);
}
