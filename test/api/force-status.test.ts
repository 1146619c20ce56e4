import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type ApiClient, createClient } from '../support/client.ts';
import {
  balanceOf,
  completed,
  fundedWallet,
  inStatus,
  newPayee,
  ok,
  transferBody,
  usBank,
} from '../support/factories.ts';
import { startServer, type TestServer } from '../support/server.ts';

/** How the sandbox's user moves transfers on, lets them fail and come back, and how they are cancelled. */

interface Sent {
  readonly id: string;
  readonly wallet: { readonly id: string; readonly customerId: string };
}

const nip = {
  currency: 'ngn',
  accountType: 'nip',
  details: { accountNumber: '0000014579', bankCode: '044' },
};

const bankRail: Record<string, object> = {
  ach: { destinationCurrency: 'usd', destinationPaymentRail: 'ach' },
  wire: { destinationCurrency: 'usd', destinationPaymentRail: 'wire' },
  nip: { destinationCurrency: 'ngn', destinationPaymentRail: 'nip' },
};

async function payOut(api: ApiClient, rail: 'ach' | 'wire' | 'nip', more: object = {}): Promise<Sent> {
  const wallet = await fundedWallet(api, '100.00');
  const payee = await newPayee(api, wallet.customerId, rail === 'nip' ? nip : usBank());
  const body = { amount: '100.00', ...bankRail[rail], destinationAddress: payee.id, ...more };
  const { id } = await ok(api.post('/v1/transfers', transferBody(wallet, body)));
  return { id, wallet };
}

async function sendOnChain(api: ApiClient, more: object = {}): Promise<Sent> {
  const wallet = await fundedWallet(api, '100.00');
  const { id } = await ok(api.post('/v1/transfers', transferBody(wallet, { amount: '100.00', ...more })));
  return { id, wallet };
}

const statuses = (transaction: { timeline: { status: string }[] }) =>
  transaction.timeline.map(({ status }) => status);

/** The statuses that events of a type told of, in their order. */
async function told(api: ApiClient, type: string, id: string): Promise<string[]> {
  const { data } = await api.get(`/v1/events?type=${type}&limit=200`);
  return data
    .map((event: { data: { id: string; status: string } }) => event.data)
    .filter((transaction: { id: string }) => transaction.id === id)
    .map((transaction: { status: string }) => transaction.status)
    .reverse();
}

async function expectSoundBooks(api: ApiClient): Promise<void> {
  expect((await ok(api.get('/v1/ledger/verify'))).problems).toEqual([]);
}

describe('forcing a status', () => {
  let server: TestServer;
  let api: ApiClient;
  beforeAll(async () => {
    server = await startServer({ sandboxStepMs: 3_600_000 });
    api = server.api;
  });
  afterEach(() => expectSoundBooks(api));
  afterAll(() => server.stop());

  const advance = (id: string, body?: object) => api.post(`/v1/sandbox/transactions/${id}/advance`, body);

  it('takes a transfer to the ordinary next status, one step at a time', async () => {
    const { id } = await sendOnChain(api);
    const seen: string[] = [];
    for (let step = 0; step < 3; step += 1) seen.push((await ok(advance(id))).status);
    expect(seen).toEqual(['funds_received', 'payment_submitted', 'completed']);
    const end = await advance(id);
    expect([end.status, end.error.reason]).toEqual([409, 'transition_not_allowed']);
    const payout = await payOut(api, 'ach');
    expect((await ok(advance(payout.id))).status).toBe('payment_submitted');
    expect((await ok(advance(payout.id, {}))).status).toBe('payment_processed');
    const back = await ok(advance(payout.id));
    expect(back).toMatchObject({ status: 'returned', returnCode: 'R03' });
    expect((await ok(advance(payout.id))).status).toBe('refunded');
    expect(await balanceOf(api, payout.wallet.id)).toBe('100.00');
    expect((await advance(payout.id)).status).toBe(409);
  });

  it('goes over every status on the way, and each is told of with what was true then', async () => {
    const { id, wallet } = await payOut(api, 'ach');
    const processed = await ok(advance(id, { status: 'payment_processed' }));
    expect(statuses(processed)).toEqual(['funds_received', 'payment_submitted', 'payment_processed']);
    await ok(advance(id, { status: 'refunded' }));
    expect(await told(api, 'transaction.updated', id)).toEqual([
      'payment_submitted',
      'payment_processed',
      'returned',
      'refunded',
    ]);
    expect(await told(api, 'transaction.completed', id)).toEqual([
      'payment_processed',
      'returned',
      'refunded',
    ]);
    const events = await api.get('/v1/events?type=transaction.updated&limit=200');
    const submitted = events.data.find(
      ({ data }: { data: { id: string; status: string } }) =>
        data.id === id && data.status === 'payment_submitted',
    );
    expect(submitted.data).toMatchObject({ returnCode: null, returnReason: null, finalAmount: '97.00' });
    expect(await balanceOf(api, wallet.id)).toBe('100.00');
  });

  it('lets a transfer fail without a code, whatever the end that was asked for', async () => {
    for (const sent of [await payOut(api, 'ach'), await payOut(api, 'nip')]) {
      const refunded = await ok(advance(sent.id, { status: 'refunded' }));
      expect(statuses(refunded)).toEqual(['funds_received', 'failed', 'refunded']);
      expect(refunded).toMatchObject({ returnCode: null, finalAmount: null, exchangeRate: null });
      expect(refunded.returnReason).toMatch(/forced the failure/);
      expect(await balanceOf(api, sent.wallet.id)).toBe('100.00');
    }
    const chain = await sendOnChain(api);
    await ok(advance(chain.id, { status: 'payment_submitted' }));
    const failed = await ok(advance(chain.id, { status: 'failed' }));
    expect(failed).toMatchObject({ status: 'failed', finalAmount: null });
    expect(failed).not.toHaveProperty('returnCode');
    expect(await balanceOf(api, chain.wallet.id)).toBe('100.00');
  });

  it('shows nothing as paid of a payout that failed at the bank or came back before it was processed', async () => {
    for (const end of [{ status: 'failed' }, { returnCode: '08' }]) {
      const { id, wallet } = await payOut(api, 'nip');
      const submitted = await ok(advance(id, { status: 'payment_submitted' }));
      expect(submitted.finalAmount).not.toBeNull();
      const ended = await ok(advance(id, end));
      expect(ended).toMatchObject({ finalAmount: null, exchangeFee: null, exchangeRate: null });
      expect(ended.traceId).toBe(submitted.traceId);
      await ok(advance(id, { status: 'refunded' }));
      expect(await balanceOf(api, wallet.id)).toBe('100.00');
    }
  });

  it('sends a payout back with a code before and after it was processed, and refunds it once', async () => {
    for (const from of ['funds_received', 'payment_submitted', 'payment_processed']) {
      const { id, wallet } = await payOut(api, 'ach');
      if (from !== 'funds_received') await ok(advance(id, { status: from }));
      const returned = await ok(advance(id, { returnCode: 'R16' }));
      expect(returned).toMatchObject({ status: 'returned', returnCode: 'R16' });
      expect(returned.returnReason).toMatch(/frozen/);
      expect(await balanceOf(api, wallet.id)).toBe('0.00');
      for (const body of [{ returnCode: 'R16' }, { status: 'returned' }, { status: 'failed' }]) {
        const again = await advance(id, body);
        expect([again.status, again.error.reason]).toEqual([409, 'transition_not_allowed']);
      }
      expect((await ok(advance(id))).status).toBe('refunded');
      expect((await advance(id, { status: 'refunded' })).status).toBe(409);
      expect(await balanceOf(api, wallet.id)).toBe('100.00');
    }
  });

  it('refuses a code that the rail does not have, and any code with another end', async () => {
    const { id } = await payOut(api, 'ach');
    for (const [body, message] of [
      [{ returnCode: 'AC01' }, /R01, R02/],
      [{ returnCode: 'r03' }, /R01, R02/],
      [{ returnCode: 'R03', status: 'failed' }, /status `returned`/],
    ] as const) {
      const answer = await advance(id, body);
      expect([answer.status, answer.error.reason]).toEqual([400, 'invalid_return_code']);
      expect(answer.error.details).toEqual([
        { path: '/returnCode', message: expect.stringMatching(message) },
      ]);
    }
    const chain = await sendOnChain(api);
    const coded = await advance(chain.id, { returnCode: 'R03' });
    expect([coded.status, coded.error.reason]).toEqual([400, 'invalid_return_code']);
    for (const status of ['returned', 'payment_processed', 'in_review']) {
      const answer = await advance(chain.id, { status });
      expect([answer.status, answer.error.reason]).toEqual([409, 'transition_not_allowed']);
    }
    expect((await advance(chain.id, { status: 'lost' })).status).toBe(400);
    expect((await ok(api.get(`/v1/transfers/${chain.id}`))).status).toBe('in_review');
  });

  it.each(['01', '09', '96', '97'])(
    'leaves a payout under way when NIP answers %s, and never refunds it',
    async (returnCode) => {
      const { id, wallet } = await payOut(api, 'nip');
      for (const body of [{ returnCode }, { returnCode, status: 'returned' }, { returnCode }]) {
        const asked = await ok(advance(id, body));
        expect(asked).toMatchObject({ status: 'payment_submitted', returnCode: null, returnReason: null });
        expect(asked.finalAmount).not.toBeNull();
      }
      expect(await told(api, 'transaction.updated', id)).toEqual(['payment_submitted']);
      await ok(api.post('/v1/sandbox/clock/advance', { seconds: 3601 }));
      expect((await inStatus(api, id, 'payment_processed')).returnCode).toBeNull();
      expect(await balanceOf(api, wallet.id)).toBe('0.00');
      const late = await advance(id, { returnCode });
      expect([late.status, late.error.reason]).toEqual([409, 'transition_not_allowed']);
    },
  );

  it('concerns transfers of the own sandbox only', async () => {
    const { id } = await sendOnChain(api);
    const live = await server.live.post(`/v1/sandbox/transactions/${id}/advance`, {});
    expect([live.status, live.error.reason]).toEqual([404, 'sandbox_only']);
    const { data } = await api.get('/v1/transactions?type=deposit&limit=1');
    const deposit = await advance(data[0].id);
    expect([deposit.status, deposit.error.reason]).toEqual([409, 'transition_not_allowed']);
    const missing = await advance('txn_nothing');
    expect([missing.status, missing.error.reason]).toEqual([404, 'transaction_not_found']);
  });

  it('opens a closed wallet again when a payout comes back to it', async () => {
    const { id, wallet } = await payOut(api, 'wire');
    const path = `/v1/crypto-wallets/${wallet.id}`;
    const early = await api.patch(path, { status: 'closed' });
    expect([early.status, early.error.reason]).toEqual([409, 'wallet_not_empty']);
    await ok(advance(id, { status: 'payment_processed' }));
    expect((await ok(api.patch(path, { status: 'closed' }))).status).toBe('closed');
    await ok(advance(id, { status: 'refunded' }));
    expect(await balanceOf(api, wallet.id)).toBe('100.00');
    expect((await ok(api.get(path))).status).toBe('active');
    const { data: events } = await api.get('/v1/events?type=wallet.updated');
    expect(events[0].data).toMatchObject({ id: wallet.id, status: 'active' });
    await ok(api.post('/v1/transfers', transferBody(wallet, { amount: '100.00' })));
  });
});

describe('cancelling', () => {
  let server: TestServer;
  let api: ApiClient;
  beforeAll(async () => {
    server = await startServer({ sandboxStepMs: 3_600_000 });
    api = server.api;
  });
  afterAll(() => server.stop());

  const cancel = (id: string) => api.post(`/v1/transfers/${id}/cancel`);

  it('stops a transfer in review, once, and gives its whole amount back', async () => {
    const { id, wallet } = await sendOnChain(api);
    const cancelled = await ok(cancel(id));
    expect(cancelled).toMatchObject({ status: 'failed', finalAmount: null, destinationTxHash: null });
    expect(cancelled.returnReason).toMatch(/cancelled/);
    expect(await balanceOf(api, wallet.id)).toBe('100.00');
    const again = await cancel(id);
    expect([again.status, again.error.reason]).toEqual([409, 'transfer_not_cancelable']);
    expect(await told(api, 'transaction.updated', id)).toEqual(['failed']);
    expect(await told(api, 'transaction.completed', id)).toEqual(['failed']);
    await ok(api.post('/v1/sandbox/clock/advance', { seconds: 3601 }));
    await inStatus(api, id, 'refunded');
    expect(await balanceOf(api, wallet.id)).toBe('100.00');
    expect((await cancel(id)).status).toBe(409);
    await expectSoundBooks(api);
  });

  it('comes too late for whatever has left its review, and for every payout', async () => {
    const chain = await sendOnChain(api);
    await ok(api.post(`/v1/sandbox/transactions/${chain.id}/advance`));
    for (const id of [chain.id, (await payOut(api, 'ach')).id]) {
      const late = await cancel(id);
      expect([late.status, late.error.reason]).toEqual([409, 'transfer_not_cancelable']);
    }
    const { data } = await api.get('/v1/transactions?type=deposit&limit=1');
    for (const id of [data[0].id, 'txn_nothing']) expect((await cancel(id)).status).toBe(404);
    expect((await server.live.post(`/v1/transfers/${chain.id}/cancel`)).status).toBe(404);
  });
});

it('a cancel that races the worker and another process fifty times leaves each transfer one end', async () => {
  const server = await startServer({ sandboxStepMs: 20 });
  const { api } = server;
  const other = await createClient((await server.second()).url, server.testKey);
  const wallet = await fundedWallet(api, '50.00');
  const ends = await Promise.all(
    Array.from({ length: 50 }, async (_, index) => {
      const { id } = await ok(api.post('/v1/transfers', transferBody(wallet)));
      await new Promise((resolve) => setTimeout(resolve, index));
      const answers = await Promise.all(
        [api, other, api].map((client) => client.post(`/v1/transfers/${id}/cancel`)),
      );
      const won = answers.filter(({ status }) => status === 200).length;
      expect(answers.every(({ status }) => status === 200 || status === 409)).toBe(true);
      expect(won).toBeLessThanOrEqual(1);
      const end = await inStatus(api, id, won === 1 ? 'refunded' : 'completed');
      return end.status as string;
    }),
  );
  const completedCount = ends.filter((status) => status === 'completed').length;
  expect(await balanceOf(api, wallet.id)).toBe(`${50 - completedCount}.00`);
  expect(completedCount).toBeLessThan(50);
  await expectSoundBooks(api);
  await server.stop();
});

it('a forced status that races the worker makes each transition of a transfer once', async () => {
  const server = await startServer({ sandboxStepMs: 20 });
  const { api } = server;
  const other = await createClient((await server.second()).url, server.testKey);
  const wallet = await fundedWallet(api, '30.00');
  const payee = await newPayee(api, wallet.customerId, usBank());
  const bank = { ...bankRail.ach, destinationAddress: payee.id, amount: '2.00' };
  await Promise.all(
    Array.from({ length: 15 }, async (_, index) => {
      const { id } = await ok(api.post('/v1/transfers', transferBody(wallet, bank)));
      await new Promise((resolve) => setTimeout(resolve, index * 3));
      const path = `/v1/sandbox/transactions/${id}/advance`;
      await Promise.all([
        api.post(path, { status: 'payment_processed' }),
        other.post(path, { returnCode: 'R02' }),
        api.post(path, { status: 'refunded' }),
        other.post(path, { status: 'refunded' }),
      ]);
      await inStatus(api, id, 'refunded');
    }),
  );
  expect(await balanceOf(api, wallet.id)).toBe('30.00');
  await expectSoundBooks(api);
  await server.stop();
});

describe('what is held', () => {
  it('in review never keeps others waiting, however much of it there is', async () => {
    const server = await startServer({ sandboxStepMs: 20 });
    const { api } = server;
    const wallet = await fundedWallet(api, '20000.00');
    const held = await Promise.all(
      Array.from({ length: 260 }, () =>
        ok(api.post('/v1/transfers', transferBody(wallet, { amount: '66.17' }))),
      ),
    );
    const { id } = await ok(api.post('/v1/transfers', transferBody(wallet)));
    await completed(api, id);
    const [first, second] = held;
    expect((await ok(api.get(`/v1/transfers/${first.id}`))).status).toBe('in_review');
    await ok(api.post(`/v1/transfers/${first.id}/cancel`));
    await inStatus(api, first.id, 'refunded');
    await ok(api.post(`/v1/sandbox/transactions/${second.id}/advance`));
    await completed(api, second.id);
    await server.stop();
  });
});
