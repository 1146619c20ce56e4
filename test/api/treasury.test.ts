import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { App } from '../../server/src/app.ts';
import { verifyLedger } from '../../server/src/ledger/verify.ts';
import { requestAction } from '../../server/src/onchain/operator/commands.ts';
import { writeOffByOrder } from '../../server/src/onchain/operator/deposit-commands.ts';
import { listActionsOf } from '../../server/src/onchain/operator/queries.ts';
import { type ApiClient, createClient } from '../support/client.ts';
import { environmentOf } from '../support/factories.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { startTreasury } from '../support/treasury.ts';

/** Orders of operators by API, without a chain that would carry them out; and how `verify` sees what they booked. */

let server: TestServer;
let app: App;
let treasury: ApiClient;
const deposit = `base:0x${'ab'.repeat(32)}:usdc:0x${'cd'.repeat(20)}:0`;
const path = (id: string, order: string): string =>
  `/v1/treasury/deposits/${encodeURIComponent(id)}/${order}`;

beforeAll(async () => {
  server = await startServer();
  app = await startTreasury(server);
  treasury = await createClient(app.url, server.liveKey);
  await server.ownerPool.query(
    `insert into uncredited_deposits (chain, id, tx_hash, height, reason, token, address, amount, received, currency, seen_at)
      values ('base', $1, $2, 7, 'below_minimum', '0x1', $3, '5000', '5000', 'usdc', now())`,
    [deposit, `0x${'ab'.repeat(32)}`, `0x${'cd'.repeat(20)}`],
  );
});
afterAll(() => server.stop());

describe('the routes of the treasury', () => {
  it.each(['/v1/treasury/payments', '/v1/treasury/deposits'])(
    '%s: 404 for keys that are not named',
    async (list) => {
      expect((await server.live.get(list)).status).toBe(404);
      expect((await server.api.get(list)).status).toBe(404);
      const answer = await server.live.post(path(deposit, 'write-off'), { reason: 'x' });
      expect(answer).toMatchObject({ status: 404, error: { reason: 'treasury_not_found' } });
    },
  );

  it('lists deposits, takes an order once, and refuses another one while it is open', async () => {
    const [listed] = (await treasury.get('/v1/treasury/deposits')).data;
    expect(listed).toMatchObject({
      id: deposit,
      amount: '0.005',
      received: '0.005',
      reason: 'below_minimum',
      order: null,
    });
    const orders = await Promise.all(
      ['spam', 'spam again'].map((reason) => treasury.post(path(deposit, 'write-off'), { reason })),
    );
    expect(new Set(orders.map(({ data }) => data.id))).toEqual(new Set([`${deposit}:1`]));
    expect(orders[0]?.data).toMatchObject({
      status: 'requested',
      kind: 'deposit_write_off',
      by: expect.stringContaining('key_'),
    });
    const other = await treasury.post(path(deposit, 'return'), { reason: 'x', to: `0x${'12'.repeat(20)}` });
    expect(other).toMatchObject({ status: 409, error: { reason: 'action_open' } });
    const found = await treasury.get(`/v1/treasury/actions/${encodeURIComponent(`${deposit}:1`)}`);
    expect(found.data).toMatchObject({ subject: deposit, result: null });
  });

  it.each([
    ['no reason', 'write-off', { reason: ' ' }, 'reason_required'],
    ['an address of no chain', 'return', { reason: 'x', to: 'there' }, 'invalid_address'],
    ['no wallet', 'credit', { reason: 'x' }, 'wallet_required'],
    ['an amount', 'credit', { reason: 'x', amount: 'much' }, 'credit_invalid'],
  ])('refuses an order with %s, and writes nothing', async (_, order, body, reason) => {
    const before = (await listActionsOf(app.pool, deposit)).length;
    expect(await treasury.post(path(deposit, order), body)).toMatchObject({ status: 400, error: { reason } });
    expect(await listActionsOf(app.pool, deposit)).toHaveLength(before);
  });

  it.each(['bump', 'cancel'])('%s: 404 for a payment that does not exist', async (order) => {
    const answer = await treasury.post(`/v1/treasury/payments/txn_${'0'.repeat(26)}/${order}`, {
      reason: 'x',
    });
    expect(answer).toMatchObject({ status: 404, error: { reason: 'payment_not_found' } });
    expect((await treasury.get(`/v1/treasury/payments/txn_${'0'.repeat(26)}`)).status).toBe(404);
  });

  it('fills nonces on EVM chains only', async () => {
    const fill = (chain: string) => treasury.post('/v1/treasury/nonce-fills', { chain, reason: 'x' });
    expect((await fill('solana')).error).toMatchObject({ reason: 'chain_without_nonces' });
    expect((await fill('base')).error).toMatchObject({ reason: 'address_not_own' });
  });
});

it('verify explains each order by its journals, and finds one without them or with another amount', async () => {
  const environmentId = await environmentOf(server, server.liveKey);
  const subject = `${deposit}9`;
  const order = {
    chain: 'base',
    kind: 'deposit_write_off',
    subject,
    environmentId,
    bucket: 3,
    parameters: {},
    reason: 'x',
    by: 'ada',
  } as const;
  const made = await app.writer.submit(requestAction(order, 1));
  if (made.kind !== 'accepted') throw new Error('The order was refused');
  const step = () =>
    app.writer.submit(writeOffByOrder(made.result, { currency: 'usdc', amountMinor: 5000n }));
  expect((await Promise.all([step(), step()])).map(({ kind }) => kind).sort()).toEqual([
    'accepted',
    'refused',
  ]);
  expect((await verifyLedger(app.pool)).problems).toEqual([]);
  const change = async (set: string): Promise<string[]> => {
    await server.ownerPool.query(`update operator_actions set ${set} where subject = $1`, [subject]);
    return (await verifyLedger(app.pool)).problems.map(({ kind }) => kind);
  };
  expect(await change('booked_minor = 4999')).toContain('action_unexplained');
  expect(await change("booked_minor = 5000, status = 'refused'")).toContain('action_unexplained');
  expect(await change("status = 'done'")).toEqual([]);
});
