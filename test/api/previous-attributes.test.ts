import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { UpdateEventType } from '../../server/src/events/types.ts';
import type { ApiClient } from '../support/client.ts';
import {
  approvedCustomer,
  decideKyc,
  fundedWallet,
  newCustomer,
  newPayee,
  newWallet,
  ok,
  transferBody,
  usBank,
  walk,
} from '../support/factories.ts';
import { laidOver, withoutNulls } from '../support/former.ts';
import { fillIndividual, hidden, openPage, postForm, submit } from '../support/hosted.ts';
import { startServer, type TestServer } from '../support/server.ts';

let server: TestServer;
let api: ApiClient;
beforeAll(async () => {
  server = await startServer({ sandboxStepMs: 3_600_000 });
  api = server.api;
});
afterAll(() => server.stop());

/** A change of an object, and what it changes: the former values. */
type Change = readonly [name: string, act: (id: string) => Promise<unknown>, former: object];

/** An object of a kind with all that can be done to it, one after the other. */
interface Life {
  /** Where it is read. */
  readonly path: string;
  make(): Promise<{ id: string }>;
  readonly changes: readonly Change[];
}

const patchCustomer = (body: object) => (id: string) => ok(api.patch(`/v1/customers/${id}`, body));
const kyc =
  (status: string, more = {}) =>
  (id: string) =>
    decideKyc(api, id, status, more);
const unable = { wallets: false, virtualAccounts: false, transfers: false };
const able = { wallets: true, virtualAccounts: true, transfers: true };
const reason = { code: 'blurred', message: 'The photo is blurred', customerMessage: 'Please send another' };

async function acceptTerms(id: string): Promise<void> {
  const { tosLink } = await ok(api.get(`/v1/customers/${id}`));
  const page = await openPage(tosLink);
  const fields = { form: hidden(page, 'form'), terms: hidden(page, 'terms') };
  expect((await postForm(tosLink, fields)).status).toBe(303);
}

async function submitIdentity(id: string): Promise<void> {
  const { kycLink } = await ok(api.get(`/v1/customers/${id}`));
  await fillIndividual(kycLink);
  expect((await submit(kycLink)).status).toBe(303);
}

/** Moves a transfer on to its next status, or as the body says. */
const advance =
  (body = {}) =>
  (id: string) =>
    ok(api.post(`/v1/sandbox/transactions/${id}/advance`, body));
const setWallet = (status: string) => (id: string) => ok(api.patch(`/v1/crypto-wallets/${id}`, { status }));
const act = (resource: string, verb: string) => (id: string) => ok(api.post(`/v1/${resource}/${id}/${verb}`));

async function newPayout(): Promise<{ id: string; walletId: string }> {
  const wallet = await fundedWallet(api, '100.00');
  const payee = await newPayee(api, wallet.customerId, usBank());
  const bank = { destinationCurrency: 'usd', destinationPaymentRail: 'ach', destinationAddress: payee.id };
  return ok(api.post('/v1/transfers', transferBody(wallet, { amount: '100.00', ...bank })));
}

const timeline = expect.any(Array);
const newTransfer = async () => ok(api.post('/v1/transfers', transferBody(await fundedWallet(api, '10.00'))));

const lives: Readonly<Record<UpdateEventType, readonly Life[]>> = {
  'customer.updated': [
    {
      path: '/v1/customers',
      make: () => newCustomer(api, { externalId: 'e1', metadata: { plan: 'trial', source: 'web' } }),
      changes: [
        ['a new name', patchCustomer({ firstName: 'Augusta' }), { firstName: 'Ada' }],
        ['a first phone number', patchCustomer({ phone: '+14155550100' }), { phone: null }],
        ['no phone number', patchCustomer({ phone: null }), { phone: '+14155550100' }],
        ['no id of yours', patchCustomer({ externalId: null }), { externalId: 'e1' }],
        [
          'other pairs',
          patchCustomer({ metadata: { plan: 'gold', source: 'web', seats: '3' } }),
          { metadata: { plan: 'trial', seats: null } },
        ],
        [
          'no pairs',
          patchCustomer({ metadata: {} }),
          { metadata: { plan: 'gold', source: 'web', seats: '3' } },
        ],
        ['links that are revoked, which are not told', act('customers', 'links/revoke'), {}],
        ['an identity that is submitted', submitIdentity, { kycStatus: 'not_started' }],
        [
          'one that is incomplete',
          kyc('incomplete', { reasons: [reason] }),
          { kycStatus: 'under_review', kycRejectionReasons: [] },
        ],
        [
          'terms that are accepted',
          acceptTerms,
          { requirements: { missing: ['identity', 'terms_of_service'] }, tosAcceptedAt: null },
        ],
        [
          'an identity that is approved',
          kyc('approved'),
          {
            kycStatus: 'incomplete',
            kycRejectionReasons: [reason],
            capabilities: unable,
            requirements: { missing: ['identity'] },
          },
        ],
        ['a suspension', patchCustomer({ status: 'suspended' }), { status: 'active', capabilities: able }],
        ['its end', patchCustomer({ status: 'active' }), { status: 'suspended', capabilities: unable }],
        [
          'a rejection',
          kyc('rejected', { reasons: [reason] }),
          {
            status: 'active',
            kycStatus: 'approved',
            kycRejectionReasons: [],
            capabilities: able,
            requirements: { missing: [] },
          },
        ],
      ],
    },
  ],
  'wallet.updated': [
    {
      path: '/v1/crypto-wallets',
      make: () => newWallet(api),
      changes: [
        ['frozen', setWallet('frozen'), { status: 'active' }],
        ['thawed', setWallet('active'), { status: 'frozen' }],
        ['closed', setWallet('closed'), { status: 'active' }],
      ],
    },
  ],
  'virtual_account.updated': [
    {
      path: '/v1/virtual-accounts',
      make: async () => {
        const { id: customerId } = await approvedCustomer(api);
        return ok(api.post('/v1/virtual-accounts', { customerId, sourceCurrency: 'eur' }));
      },
      changes: [
        ['deactivated', act('virtual-accounts', 'deactivate'), { status: 'active' }],
        ['reactivated', act('virtual-accounts', 'reactivate'), { status: 'deactivated' }],
      ],
    },
  ],
  'counterparty.updated': [
    {
      path: '/v1/counterparties',
      make: async () => newPayee(api, (await approvedCustomer(api)).id, usBank()),
      changes: [['deactivated', act('counterparties', 'deactivate'), { status: 'active' }]],
    },
  ],
  'transaction.updated': [
    {
      path: '/v1/transactions',
      make: newTransfer,
      changes: [
        ['funds received', advance(), { status: 'in_review', timeline }],
        ['submitted', advance(), { status: 'funds_received', timeline, destinationTxHash: null }],
        [
          'completed',
          advance(),
          { status: 'payment_submitted', timeline, finalAmount: null, gasFee: null, exchangeFee: null },
        ],
      ],
    },
    {
      path: '/v1/transactions',
      make: newTransfer,
      changes: [
        ['cancelled', act('transfers', 'cancel'), { status: 'in_review', timeline, returnReason: null }],
        ['refunded', advance(), { status: 'failed', timeline }],
      ],
    },
    {
      path: '/v1/transactions',
      make: newPayout,
      changes: [
        [
          'submitted',
          advance(),
          {
            status: 'funds_received',
            timeline,
            finalAmount: null,
            exchangeFee: null,
            traceId: null,
            estimatedArrivalAt: null,
          },
        ],
        ['processed', advance(), { status: 'payment_submitted', timeline }],
        [
          'returned',
          advance({ returnCode: 'R03' }),
          { status: 'payment_processed', timeline, returnCode: null, returnReason: null },
        ],
        ['refunded', advance(), { status: 'returned', timeline }],
      ],
    },
  ],
};

describe.each(Object.entries(lives))('%s', (type, kinds) => {
  it.each(kinds)('tells of each change of $path what was there before, no more and no less', async (life) => {
    const { id } = await life.make();
    const read = () => ok(api.get(`${life.path}/${id}`));
    for (const [name, change, former] of life.changes) {
      const before = await read();
      await change(id);
      const [event] = await ok(api.get(`/v1/events?type=${type}&objectId=${id}&limit=1`));
      expect(event.previousAttributes, name).toEqual(former);
      const untold = ['updatedAt', 'kycLink', 'tosLink'];
      const told = laidOver(event.data, event.previousAttributes);
      expect(withoutNulls(told, untold), name).toEqual(withoutNulls(before, untold));
      expect(withoutNulls(event.data, untold), name).toEqual(withoutNulls(await read(), untold));
    }
    const count = (await walk(api, `/v1/events?type=${type}&objectId=${id}`, 50)).length;
    expect(count).toBe(life.changes.length);
  });
});

it('events of a creation have none', async () => {
  const events = await walk(api, '/v1/events', 200);
  const created = events.filter((event) => event.type.endsWith('.created'));
  expect(new Set(created.map(({ type }) => type)).size).toBe(5);
  expect(created.filter((event) => 'previousAttributes' in event)).toEqual([]);
});

it('a wallet that is opened again by a return tells that it was closed', async () => {
  const { id, walletId } = await newPayout();
  await advance({ status: 'payment_processed' })(id);
  await setWallet('closed')(walletId);
  await advance({ returnCode: 'R03' })(id);
  const [event] = await ok(api.get(`/v1/events?type=wallet.updated&objectId=${walletId}&limit=1`));
  expect([event.data.status, event.previousAttributes]).toEqual(['active', { status: 'closed' }]);
});

it('the end of a transfer tells the same as the change that led to it', async () => {
  const { id } = await newTransfer();
  await advance({ status: 'failed' })(id);
  const [completed, updated] = await ok(api.get(`/v1/events?objectId=${id}&limit=2`));
  expect([completed.type, updated.type]).toEqual(['transaction.completed', 'transaction.updated']);
  expect(completed.previousAttributes).toEqual(updated.previousAttributes);
  expect(completed.previousAttributes).toMatchObject({ status: 'in_review', returnReason: null });
});

it('what was there before of a person is sealed in the database', async () => {
  const { rows } = await server.app.pool.query<{ type: string; sealed: boolean; count: bigint }>(
    `select type, previous_attributes like 'sealed.v2.%' as sealed, count(*) from events
      where previous_attributes is not null group by 1, 2 order by 1`,
  );
  expect(rows.map(({ sealed, type }) => [type, sealed])).toEqual([
    ['counterparty.updated', true],
    ['customer.updated', true],
    ['transaction.completed', false],
    ['transaction.updated', false],
    ['virtual_account.updated', true],
    ['wallet.updated', false],
  ]);
});
