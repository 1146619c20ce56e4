import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createVault, ErasedError } from '../../server/src/platform/seal.ts';
import { eraseCustomer, readErasureFacts } from '../../server/src/resources/customers/erase-commands.ts';
import { sealedColumns } from '../../server/src/sealing/columns.ts';
import { createCryptoDeposit } from '../../server/src/simulator/crypto-deposits.ts';
import { createCustomerSalts } from '../../server/src/store/customer-salts.ts';
import {
  approvedCustomer,
  balanceOf,
  deposit,
  environmentOf,
  missingLike,
  newCustomer,
  newPayee,
  newWallet,
  ok,
  person,
  transferBody,
  usBank,
} from '../support/factories.ts';
import { openPage } from '../support/hosted.ts';
import type { Receiver } from '../support/receiver.ts';
import {
  mark,
  newSealedCustomer,
  type SealedCustomer,
  sealAsBefore,
  sealedRows,
  startEcho,
} from '../support/sealed.ts';
import { startServer, type TestServer } from '../support/server.ts';

const masterKey = randomBytes(32);
let server: TestServer;
let receiver: Receiver;
beforeAll(async () => {
  server = await startServer({ masterKey });
  receiver = await startEcho();
});
afterAll(async () => {
  expect((await ok(server.api.get('/v1/ledger/verify'))).problems).toEqual([]);
  await server.stop();
  await receiver.stop();
});

const vault = () => createVault(masterKey).withSalts(createCustomerSalts(server.app.pool));
const erase = (id: string, api = server.api, headers = {}) =>
  api.post(`/v1/customers/${id}/erase`, undefined, headers);

async function emptied(customer: SealedCustomer): Promise<void> {
  const { balance } = await ok(server.api.get(`/v1/crypto-wallets/${customer.walletId}/balance`));
  const body = transferBody({ id: customer.walletId, customerId: customer.id }, { amount: balance });
  const { id } = await ok(server.api.post('/v1/transfers', body));
  expect((await erase(customer.id)).error?.reason).toBe('customer_has_money');
  const status = async () => (await ok(server.api.get(`/v1/transactions/${id}`))).status;
  await expect.poll(status, { timeout: 20_000 }).toBe('completed');
}

const scrubbed = async (id: string): Promise<boolean> => {
  const { rows } = await server.app.pool.query('select scrubbed_at from customer_erasures where id = $1', [
    id,
  ]);
  return rows[0]?.scrubbed_at !== null;
};

/** What the rows themselves hold of a customer, sealed. */
async function valuesOf(id: string): Promise<string[]> {
  const values: string[] = [];
  for (const column of sealedColumns) {
    for (const row of await sealedRows(server.app.pool, column)) {
      if (row.customer_id !== id && !row.value.includes(id)) continue;
      const read = async (): Promise<string> => {
        const reader = vault();
        await reader.prepare([row.value]);
        return reader.open(row.value, column.context(row));
      };
      const found = await read().catch((error: unknown) => {
        if (error instanceof ErasedError) return undefined;
        throw error;
      });
      if (found !== undefined) values.push(`${column.table}.${column.column}: ${found}`);
    }
  }
  return values;
}

describe('erasing a customer', () => {
  it('is refused while the customer has money or open transactions', async () => {
    const wallet = await newWallet(server.api);
    await deposit(server.api, wallet.id, '5.00');
    const refused = await erase(wallet.customerId);
    expect([refused.status, refused.error?.reason]).toEqual([409, 'customer_has_money']);
    expect((await ok(server.api.get(`/v1/customers/${wallet.customerId}`))).firstName).toBe(person.firstName);
  });

  it('sees a wallet and a transfer that are created after its facts were read', async () => {
    const customer = await approvedCustomer(server.api);
    const { pool, writer } = server.app;
    const environmentId = await environmentOf(server, server.testKey);
    const facts = await readErasureFacts(pool, environmentId, customer.id, Date.now());
    const order = { by: 'key_test', reason: null, isForced: false, retentionYears: 0 };
    const eraseWith = () => writer.submit(eraseCustomer(environmentId, customer.id, facts, order));
    const hasMoney = { kind: 'refused', refusal: { reason: 'customer_has_money' } };

    const wallet = await newWallet(server.api, customer.id);
    await deposit(server.api, wallet.id, '5.00');
    expect(await eraseWith()).toMatchObject(hasMoney);

    const payee = await newPayee(server.api, customer.id, usBank());
    const payout = { amount: '5.00', destinationCurrency: 'usd', destinationPaymentRail: 'ach' };
    const body = transferBody(wallet, { ...payout, destinationAddress: payee.id });
    const { id } = await ok(server.api.post('/v1/transfers', body));
    await ok(server.api.post(`/v1/sandbox/transactions/${id}/advance`, { status: 'payment_processed' }));
    // The wallet is empty, but the payout may still be returned to it.
    expect(await balanceOf(server.api, wallet.id)).toBe('0.00');
    expect(await eraseWith()).toMatchObject(hasMoney);

    await ok(server.api.post(`/v1/sandbox/transactions/${id}/advance`, { status: 'refunded' }));
    expect(await eraseWith()).toMatchObject(hasMoney);
  });

  it('is decided before the commands of its batch that could add to what it has read', async () => {
    const wallet = await newWallet(server.api);
    const { customerId } = wallet;
    const { pool, writer } = server.app;
    const environmentId = await environmentOf(server, server.testKey);
    const facts = await readErasureFacts(pool, environmentId, customerId, Date.now());
    const order = { by: 'key_test', reason: null, isForced: false, retentionYears: 0 };
    const terms = {
      chain: 'base',
      sourceCurrency: 'usdc',
      sourceMinor: 5_000_000n,
      creditedCurrency: 'usdc',
      creditedMinor: 5_000_000n,
      exchangeRate: null,
    } as const;
    const [deposited, erased] = await Promise.all([
      writer.submit(createCryptoDeposit(environmentId, wallet.id, terms)),
      writer.submit(eraseCustomer(environmentId, customerId, facts, order)),
    ]);
    expect([deposited.kind, erased.kind]).toEqual(['accepted', 'accepted']);
    const { rows } = await pool.query<{ type: string }>(
      `select e.type from events e where e.type = 'customer.erased' and e.object_id = $1
          or e.type = 'transaction.created' and e.object_id in (select id from transactions where wallet_id = $2)
        order by e.seq`,
      [customerId, wallet.id],
    );
    expect(rows.map(({ type }) => type)).toEqual(['customer.erased', 'transaction.created']);
  });

  it.each([
    ['as it is sealed now', false],
    ['as the release before sealed it', true],
  ])('leaves no value of the customer that opens, %s, and the books unchanged', async (_name, isFirst) => {
    const customer = await newSealedCustomer(server, receiver, vault());
    if (isFirst) await sealAsBefore(server.app.pool, vault(), masterKey);
    await emptied(customer);
    const before = await valuesOf(customer.id);
    for (const column of sealedColumns.filter(({ customer: of }) => !of.startsWith('null'))) {
      expect(
        before.some((value) => value.startsWith(`${column.table}.${column.column}: `)),
        column.column,
      ).toBe(true);
    }
    const transactions = (await server.api.get(`/v1/transactions?customerId=${customer.id}`)).text;

    const key = { 'Idempotency-Key': `erase-${customer.id}` };
    const erased = await ok(erase(customer.id, server.api, key));
    expect(erased).toMatchObject({
      id: customer.id,
      email: 'erased@erased.invalid',
      firstName: 'erased',
      lastName: 'erased',
      status: 'suspended',
      kycLink: null,
      tosLink: null,
      externalId: null,
      metadata: {},
      capabilities: { wallets: false, virtualAccounts: false, transfers: false },
      erasedAt: expect.any(String),
    });
    if (!isFirst) expect(await valuesOf(customer.id)).toEqual([]);
    await expect.poll(() => scrubbed(customer.id), { timeout: 20_000 }).toBe(true);
    expect(await valuesOf(customer.id)).toEqual([]);
    expect(await ok(erase(customer.id, server.api, key))).toEqual(erased);
    expect(await ok(erase(customer.id))).toEqual(erased);

    for (const path of customer.paths) {
      const answer = await server.api.get(path);
      expect(answer.status, path).toBe(200);
      expect(answer.text, path).not.toContain(mark);
    }
    expect((await server.api.get(customer.paths[1] as string)).data).toEqual([]);
    const events = await ok(server.api.get(`/v1/events?customerId=${customer.id}&limit=100`));
    expect(events[0]).toMatchObject({ type: 'customer.erased', data: erased });
    const personal = events.filter(({ type }: { type: string }) =>
      /^customer\.(created|updated)$/.test(type),
    );
    for (const { data } of personal) expect(data).toEqual({ erased: true });
    expect(
      (await server.api.get(`/v1/transactions?customerId=${customer.id}`)).text.replace(/req_\w+/, ''),
    ).toBe(transactions.replace(/req_\w+/, ''));
  });

  it('ends their links, and refuses requests that would store their data again', async () => {
    const body = {
      email: 'gone@example.com',
      firstName: 'Gone',
      lastName: 'Soon',
      externalId: 'their-own-id',
    };
    const key = { 'Idempotency-Key': 'create-gone' };
    const customer = await ok(server.api.post('/v1/customers', body, key));
    expect((await openPage(customer.kycLink)).status).toBe(303);
    await ok(erase(customer.id));
    for (const link of [customer.kycLink, customer.tosLink])
      expect((await openPage(link)).status).toBeGreaterThanOrEqual(400);
    const replay = await server.api.post('/v1/customers', body, key);
    expect([replay.status, replay.error?.reason]).toEqual([409, 'customer_erased']);
    const other = await server.api.post('/v1/customers', { ...body, firstName: 'Other' }, key);
    expect(other.error?.reason).toBe('idempotency_key_reused');
    const changed = await server.api.patch(`/v1/customers/${customer.id}`, { firstName: 'Back' });
    expect([changed.status, changed.error?.reason]).toEqual([409, 'customer_erased']);
    const decided = await server.api.post(`/v1/sandbox/customers/${customer.id}/kyc`, {
      kycStatus: 'approved',
    });
    expect(decided.error?.reason).toBe('customer_erased');
    const revoked = await server.api.post(`/v1/customers/${customer.id}/links/revoke`);
    expect([revoked.status, revoked.error?.reason]).toEqual([409, 'customer_erased']);
    expect(await ok(server.api.get('/v1/customers?externalId=their-own-id'))).toEqual([]);
  });

  it('reaches another server, and returns 404 in another environment', async () => {
    const customer = await newCustomer(server.api);
    const other = await server.second();
    const read = async () => {
      const answer = await fetch(`${other.url}/v1/events?customerId=${customer.id}`, {
        headers: { authorization: `Bearer ${server.testKey}` },
      });
      return answer.text();
    };
    expect(await read()).toContain(person.firstName);
    expect((await erase(missingLike(customer.id))).status).toBe(404);
    expect((await erase(customer.id, server.live)).status).toBe(404);
    await ok(erase(customer.id));
    await expect.poll(read, { timeout: 10_000 }).not.toContain(person.firstName);
    await other.stop();
  });

  it('is refused in live until the retention period has ended', async () => {
    const customer = await newCustomer(server.live);
    const refused = await erase(customer.id, server.live);
    expect([refused.status, refused.error?.reason]).toEqual([409, 'retention_duty']);
    const end = new Date(customer.createdAt);
    end.setUTCFullYear(end.getUTCFullYear() + 5);
    expect(refused.error?.message).toContain(end.toISOString());
    const short = await server.second({ retentionYears: 0 });
    const answer = await fetch(`${short.url}/v1/customers/${customer.id}/erase`, {
      method: 'POST',
      headers: { authorization: `Bearer ${server.liveKey}` },
    });
    expect(answer.status).toBe(200);
    const { rows } = await server.app.pool.query('select * from customer_erasures where id = $1', [
      customer.id,
    ]);
    expect(rows[0]).toMatchObject({
      environment_id: await environmentOf(server, server.liveKey),
      forced: false,
    });
    expect(rows[0].erased_by).toMatch(/^key_/);
    await short.stop();
  });
});
