import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { accountTypeNames, factsOf } from '../../server/src/rails/account-types.ts';
import { railNames } from '../../server/src/rails/rails.ts';
import { approvedCustomer, ok } from '../support/factories.ts';
import { startServer, type TestServer } from '../support/server.ts';

/** Tuesday before Thanksgiving, 13:30 in New York: ACH closes, SWIFT has. */
let nowMs = Date.parse('2026-11-24T18:30:00.000Z');
let server: TestServer;
let customerId: string;
beforeAll(async () => {
  server = await startServer({
    clock: { now: () => nowMs },
    fiatFee: { numerator: 25n, denominator: 1000n },
  });
  customerId = (await approvedCustomer(server.api)).id;
});
afterAll(() => server.stop());

// Answers are read as they come: the client has checked their shape.
// biome-ignore lint/suspicious/noExplicitAny: see above
type Terms = any;

const list = async (query = ''): Promise<Terms[]> => ok(server.api.get(`/v1/rails${query}`));
const railAndCurrency = (terms: Terms[]) => terms.map(({ rail, currency }) => `${rail} ${currency}`);

test('every rail is listed once for each of its currencies', async () => {
  const all = railAndCurrency(await list());
  const expected = railNames.flatMap((rail) =>
    accountTypeNames
      .filter((type) => factsOf(type).rails.includes(rail))
      .flatMap((type) => factsOf(type).currencies.map((currency) => `${rail} ${currency}`)),
  );
  expect(all).toEqual(expected);
  expect(new Set(all).size).toBe(all.length);
  expect(all).toContain('swift gbp');
  expect(all).toContain('mobile_money zmw');
});

test('they are chosen by currency and by rail, and a live key sees them too', async () => {
  expect(railAndCurrency(await list('?currency=gbp'))).toEqual(['faster_payments gbp', 'swift gbp']);
  expect(railAndCurrency(await list('?rail=swift'))).toEqual(['swift usd', 'swift eur', 'swift gbp']);
  expect(railAndCurrency(await list('?rail=swift&currency=usd'))).toEqual(['swift usd']);
  expect(await list('?rail=pix&currency=usd')).toEqual([]);
  expect(await ok(server.live.get('/v1/rails'))).toHaveLength((await list()).length);
});

test('what is not known is refused, and so is a caller without a key', async () => {
  for (const [query, path] of [
    ['currency=xyz', 'query.currency'],
    ['rail=solana', 'query.rail'],
    ['limit=1', 'query.limit'],
  ]) {
    const { error, status } = await server.api.get(`/v1/rails?${query}`);
    expect([status, error.details?.[0]?.path]).toEqual([400, path]);
  }
  expect((await fetch(`${server.app.url}/v1/rails`)).status).toBe(401);
});

test('a rail with cut-offs says what it carries, and when', async () => {
  const [ach] = await list('?rail=ach');
  expect(ach).toMatchObject({
    rail: 'ach',
    currency: 'usd',
    accountType: 'us_bank',
    reference: { maxLength: 10, pattern: '^[A-Za-z0-9 ]*$' },
    minimum: '1.00',
    maximum: null,
    fee: '0.025',
    cutoff: '13:00 America/New_York',
    // Wednesday; Thursday is a holiday.
    nextCutoffAt: '2026-11-25T18:00:00.000Z',
    nextSettlementAt: '2026-11-27T13:30:00.000Z',
    available24x7: false,
  });
  expect(ach.returnCodes).toHaveLength(29);
  expect(ach.returnCodes[1]).toEqual({ code: 'R02', reason: 'The account is closed.', bankingDays: 2 });
  expect(ach.traceId).toContain('Trace number');
  const [sameDay] = await list('?rail=ach_same_day');
  expect(sameDay.cutoff).toBe('09:30, 13:45, 15:45 America/New_York');
  expect(sameDay.nextCutoffAt).toBe('2026-11-24T18:45:00.000Z');
});

test('a rail that is always open has no cut-off; limits differ by whose account it is', async () => {
  const [nip] = await list('?rail=nip');
  expect(nip).toMatchObject({
    minimum: '0.01',
    maximum: '5000000.00',
    businessMaximum: '10000000.00',
    cutoff: null,
    nextCutoffAt: null,
    nextSettlementAt: '2026-11-24T18:30:10.000Z',
    available24x7: true,
  });
  const codes = nip.returnCodes.map(({ code }: Terms) => code);
  for (const unknown of ['01', '09', '96', '97']) expect(codes).not.toContain(unknown);
  const [ugx] = await list('?currency=ugx');
  expect(ugx.minimum).toBe('1');
});

test('times are worked out at each request', async () => {
  const before = await list('?rail=wire');
  nowMs += 3_600_000;
  const [after] = await list('?rail=wire');
  expect(before[0].nextSettlementAt).toBe('2026-11-24T20:30:00.000Z');
  expect(after.nextSettlementAt).toBe('2026-11-24T21:30:00.000Z');
});

test('times are those of the sandbox’s own clock', async () => {
  await ok(server.api.post('/v1/sandbox/clock/advance', { to: '2026-12-24T12:00:00.000Z' }));
  const [ach] = await list('?rail=ach');
  expect([ach.nextCutoffAt, ach.nextSettlementAt]).toEqual([
    '2026-12-24T18:00:00.000Z',
    '2026-12-28T13:30:00.000Z',
  ]);
  const [live] = await ok(server.live.get('/v1/rails?rail=ach'));
  expect(live.nextCutoffAt).toBe('2026-11-25T18:00:00.000Z');
});

/** The body that the examples of the required fields make; `skip` leaves one field out. */
function exampleBody(schema: Terms, skip?: string): Terms {
  const body: Terms = {};
  for (const [name, property] of Object.entries<Terms>(schema.properties)) {
    if (`/${name}` === skip) continue;
    if (property.const !== undefined) body[name] = property.const;
    else if (property.examples) body[name] = property.examples[0];
    else {
      const entries = Object.entries<Terms>(property.properties)
        .filter(([inner]) => `/${name}/${inner}` !== skip)
        .map(([inner, { examples }]) => [inner, examples[0]]);
      body[name] = Object.fromEntries(entries);
    }
  }
  return body;
}

/** Every field of it, as a JSON pointer. */
function pointersOf(schema: Terms): string[] {
  return Object.entries<Terms>(schema.properties).flatMap(([name, { properties }]) =>
    properties ? Object.keys(properties).map((inner) => `/${name}/${inner}`) : [`/${name}`],
  );
}

describe('the required fields', () => {
  const validate = (body: object) =>
    server.api.post('/v1/counterparties/validate', { customerId, accountOwnerName: 'Ada Lovelace', ...body });

  it('of every rail are those that a counterparty is accepted with, which the rail can then pay', async () => {
    for (const { rail, currency, accountType, requiredFields } of await list()) {
      const accepts = new Ajv2020({ strict: false }).compile(requiredFields);
      const skips = accountType === 'pix' ? ['/pixKey', '/brCode'] : [undefined];
      for (const skip of skips) {
        const body = exampleBody(requiredFields, skip);
        expect(accepts(body), `${rail} ${currency}`).toBe(true);
        const { data, status, text } = await validate(body);
        expect(status, text).toBe(200);
        expect(data).toMatchObject({ accountType, currency });
        expect(data.paymentRails).toContain(rail);
      }
    }
  });

  it('of every account type are all needed: by the schema as by the API', async () => {
    const seen = new Set<string>();
    for (const { accountType, requiredFields } of await list()) {
      if (seen.has(accountType)) continue;
      seen.add(accountType);
      const accepts = new Ajv2020({ strict: false }).compile(requiredFields);
      if (accountType === 'pix') {
        // One of the two, not both and not neither.
        const both = exampleBody(requiredFields);
        const neither = { currency: 'brl', accountType: 'pix' };
        for (const body of [both, neither]) {
          expect(accepts(body)).toBe(false);
          expect((await validate(body)).status).toBe(400);
        }
        continue;
      }
      for (const pointer of pointersOf(requiredFields)) {
        const body = exampleBody(requiredFields, pointer);
        expect(accepts(body), pointer).toBe(false);
        const { error, status } = await validate(body);
        expect(status, pointer).toBe(400);
        expect(error.details?.map(({ path }) => path)).toContain(pointer);
      }
    }
    expect([...seen].sort()).toEqual([...accountTypeNames].sort());
  });

  it('refuse what is out of shape, and take spaces and dashes as the API does', async () => {
    const written: [string, string, string, boolean][] = [
      ['usd', '/account/routing_number', '0210-0002 1', true],
      ['usd', '/account/routing_number', '02100002', false],
      ['gbp', '/account/account_number', '3192 6819', true],
      ['gbp', '/account/sort_code', '6016', false],
      ['eur', '/iban', 'de89 3704 0044 0532 0130 00', true],
      ['eur', '/iban', 'DE89!', false],
      ['mxn', '/clabe', '032-180-00011835971-9', true],
      ['mxn', '/clabe', '0321800001183597', false],
      ['ghs', '/details/phoneNumber', '+233 50-123-4567', true],
      ['ghs', '/details/phoneNumber', '+2330501234567', false],
      ['ghs', '/details/provider', 'MPESA', false],
      ['ngn', '/details/bankCode', '05', false],
    ];
    for (const [currency, pointer, value, isFine] of written) {
      const terms = (await list(`?currency=${currency}`)).find(({ requiredFields }) =>
        pointersOf(requiredFields).includes(pointer),
      );
      const body = exampleBody(terms.requiredFields);
      const [, outer = '', inner] = pointer.split('/');
      if (inner === undefined) body[outer] = value;
      else body[outer][inner] = value;
      const accepts = new Ajv2020({ strict: false }).compile(terms.requiredFields);
      expect([pointer, value, accepts(body)]).toEqual([pointer, value, isFine]);
      expect([pointer, value, (await validate(body)).status]).toEqual([pointer, value, isFine ? 200 : 400]);
    }
  });
});
