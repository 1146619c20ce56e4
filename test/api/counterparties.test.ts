import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ApiAnswer } from '../support/client.ts';
import { approvedCustomer, decideKyc, missingLike, newCustomer, ok } from '../support/factories.ts';
import { startServer, type TestServer } from '../support/server.ts';

let server: TestServer;
let customerId: string;
beforeAll(async () => {
  server = await startServer();
  customerId = (await approvedCustomer(server.api)).id;
});
afterAll(() => server.stop());

const brCode =
  '00020126580014br.gov.bcb.pix0136123e4567-e12b-12d1-a456-4266554400005204000053039865802BR' +
  '5913Fulano de Tal6008BRASILIA62070503***63041D3D';

const account = { account_number: '123456789', routing_number: '021000021' };
const usBank = { currency: 'usd', accountType: 'us_bank', account };
const mobileMoney = {
  currency: 'ghs',
  accountType: 'mobile_money',
  details: { provider: 'MTN', phoneNumber: '+233501234567' },
};

const valid: [string, body: object, shown: object, facts: object][] = [
  ['us_bank', usBank, { last4: '6789' }, { country: 'US' }],
  [
    'us_bank in plain form',
    { ...usBank, account: '1234 5678-9', details: { routingNumber: '0210-0002-1' } },
    { last4: '6789' },
    {},
  ],
  ['us_bank, short', { ...usBank, account: { ...account, account_number: '1234' } }, { last4: '34' }, {}],
  [
    'iban',
    { currency: 'eur', accountType: 'iban', iban: 'de89 3704 0044 0532 0130 00' },
    { last4: '3000', paymentRails: ['sepa'] },
    { country: 'DE' },
  ],
  [
    'gb_bank',
    {
      currency: 'gbp',
      accountType: 'gb_bank',
      account: { account_number: '31926819', sort_code: '60-16-13' },
    },
    { last4: '6819' },
    {},
  ],
  [
    'gb_bank in plain form',
    { currency: 'gbp', accountType: 'gb_bank', account: '31926819', details: { sort_code: '601613' } },
    { last4: '6819' },
    {},
  ],
  ['clabe', { currency: 'mxn', accountType: 'clabe', clabe: '032180000118359719' }, { last4: '9719' }, {}],
  [
    'pix by key',
    { currency: 'brl', accountType: 'pix', pixKey: '123.456.789-09' },
    { last4: '8909' },
    { pixKeyType: 'cpf' },
  ],
  ['pix by BR Code', { currency: 'brl', accountType: 'pix', brCode }, { last4: '1D3D' }, { country: 'BR' }],
  [
    'mobile_money',
    { ...mobileMoney, details: { provider: 'mtn', phoneNumber: '+233 50 123 4567' } },
    { details: mobileMoney.details },
    { country: 'GH' },
  ],
  [
    'ghipss',
    { currency: 'ghs', accountType: 'ghipss', details: { accountNumber: '0010123456789' } },
    { last4: '6789' },
    {},
  ],
  [
    'nip',
    { currency: 'ngn', accountType: 'nip', details: { accountNumber: '0000000018', bankCode: '058' } },
    { last4: '0018', bankName: 'GTBank' },
    { country: 'NG' },
  ],
  [
    'swift',
    {
      currency: 'eur',
      accountType: 'swift',
      details: { accountNumber: 'DE89370400440532013000', swiftCode: 'deutdeff' },
    },
    { last4: '3000' },
    { country: 'DE' },
  ],
];

const invalid: [string, body: object, paths: string[]][] = [
  [
    'us_bank',
    { ...usBank, account: { account_number: '12', routing_number: '123456789' } },
    ['/account/account_number', '/account/routing_number'],
  ],
  [
    'us_bank without its numbers',
    { ...usBank, account: {} },
    ['/account/account_number', '/account/routing_number'],
  ],
  ['us_bank in half of its plain form', { ...usBank, account: '123456789' }, ['/details/routing_number']],
  [
    'us_bank with a number twice',
    { ...usBank, details: { routing_number: '021000021' } },
    ['/details/routing_number'],
  ],
  ['us_bank with an IBAN', { ...usBank, iban: 'DE89370400440532013000' }, ['/iban']],
  ['us_bank in euro', { ...usBank, currency: 'eur' }, ['/currency']],
  [
    'us_bank with a misspelt key',
    { ...usBank, account: { ...account, sortcode: '1' } },
    ['/account/sortcode'],
  ],
  ['us_bank of a list', { ...usBank, account: ['1'] }, ['/account', '/account/routing_number']],
  ['iban', { currency: 'eur', accountType: 'iban', iban: 'DE89370400440532013001' }, ['/iban']],
  ['iban beyond SEPA', { currency: 'eur', accountType: 'iban', iban: 'AE070331234567890123456' }, ['/iban']],
  [
    'gb_bank',
    { currency: 'gbp', accountType: 'gb_bank', account: { account_number: '3192681', sort_code: '6016' } },
    ['/account/account_number', '/account/sort_code'],
  ],
  ['clabe', { currency: 'mxn', accountType: 'clabe', clabe: '710969000012345678' }, ['/clabe']],
  ['pix', { currency: 'brl', accountType: 'pix', pixKey: '12345678901' }, ['/pixKey']],
  [
    'pix by BR Code',
    { currency: 'brl', accountType: 'pix', brCode: brCode.replace('1D3D', '1D3E') },
    ['/brCode'],
  ],
  ['pix by nothing', { currency: 'brl', accountType: 'pix' }, ['/pixKey']],
  ['pix by both', { currency: 'brl', accountType: 'pix', brCode, pixKey: '12345678909' }, ['/pixKey']],
  [
    'mobile_money',
    { ...mobileMoney, details: { provider: 'MPESA', phoneNumber: '0501234567' } },
    ['/details/phoneNumber', '/details/provider'],
  ],
  [
    'ghipss',
    { currency: 'ghs', accountType: 'ghipss', details: { accountNumber: 'x' } },
    ['/details/accountNumber'],
  ],
  [
    'nip',
    { currency: 'ngn', accountType: 'nip', details: { accountNumber: '0000000017', bankCode: '058' } },
    ['/details/accountNumber'],
  ],
  [
    'nip without details',
    { currency: 'ngn', accountType: 'nip' },
    ['/details/accountNumber', '/details/bankCode'],
  ],
  [
    'swift',
    {
      currency: 'usd',
      accountType: 'swift',
      details: { accountNumber: '0532013000', swiftCode: 'DEUTDEFF' },
    },
    ['/details/accountNumber'],
  ],
];

const owner = { accountOwnerName: 'Grace Brewster Hopper' };

function create(body: object, headers?: Record<string, string>): Promise<ApiAnswer> {
  return server.api.post('/v1/counterparties', { customerId, ...owner, ...body }, headers);
}

function validate(body: object): Promise<ApiAnswer> {
  return server.api.post('/v1/counterparties/validate', { customerId, ...owner, ...body });
}

/** How many counterparties and events there are. */
async function written(): Promise<unknown> {
  const { rows } = await server.app.pool.query(
    'select (select count(*) from counterparties) as counterparties, (select count(*) from events) as events',
  );
  return rows[0];
}

/** Everything that the database holds, as one text. */
async function everything(): Promise<string> {
  const { rows } = await server.app.pool.query(
    "select table_name from information_schema.tables where table_schema = 'public'",
  );
  const texts = rows.map(async ({ table_name: table }) => {
    const { rows: all } = await server.app.pool.query(`select row_to_json(t)::text as row from "${table}" t`);
    return all.map(({ row }) => row).join('\n');
  });
  return (await Promise.all(texts)).join('\n');
}

describe('a counterparty', () => {
  it.each(valid)('is created and read back: %s', async (_name, body, shown) => {
    const created = await ok(create(body));
    expect(created).toMatchObject({ customerId, status: 'active', ...owner, ...shown });
    expect(created.id).toMatch(/^pa_/);
    expect('last4' in created).toBe(created.accountType !== 'mobile_money');
    expect(await ok(server.api.get(`/v1/counterparties/${created.id}`))).toEqual(created);
  });

  it.each(invalid)('is refused with every fault: %s', async (_name, body, paths) => {
    const { error, status } = await create(body);
    expect([status, error.reason]).toEqual([400, 'validation_failed']);
    expect(error.details?.map(({ path }) => path).sort()).toEqual(paths);
    const dry = await validate(body);
    expect([dry.status, dry.error.details]).toEqual([400, error.details]);
  });

  it('is refused with the faults of schema and account together, none of them repeating a value', async () => {
    const body = { currency: 'usd', accountType: 'us_bank', customerId: '', surprise: 1 };
    const wrong = { account_number: '98', routing_number: '987654321' };
    const { error, text } = await server.api.post('/v1/counterparties', { ...body, account: wrong });
    expect(error.details?.map(({ path }) => path).sort()).toEqual([
      '/account/account_number',
      '/account/routing_number',
      '/accountOwnerName',
      '/customerId',
      '/surprise',
    ]);
    expect(text).not.toContain('987654321');
  });

  it('shows what was given beside its account, and not the rest', async () => {
    const given = { bankName: 'Lead Bank', accountName: 'Main', accountOwnerType: 'individual' };
    const kept = { firstName: 'Grace', lastName: 'Hopper', address: { city: 'Arlington' } };
    const created = await ok(create({ ...usBank, ...given, ...kept }));
    expect(created).toMatchObject(given);
    for (const name of Object.keys(kept)) expect(created).not.toHaveProperty(name);
    expect((await create({ ...usBank, address: '1 Navy Way' })).status).toBe(200);
  });

  it('is listed by customer and currency, newest first', async () => {
    const { id } = await approvedCustomer(server.api);
    const first = await ok(create({ ...usBank, customerId: id }));
    const second = await ok(create({ ...mobileMoney, customerId: id }));
    const list = (query: string) => ok(server.api.get(`/v1/counterparties?customerId=${id}${query}`));
    expect(await list('')).toEqual([second, first]);
    expect(await list('&currency=usd')).toEqual([first]);
    expect((await server.api.get('/v1/counterparties?currency=xyz')).status).toBe(400);
  });

  it('is deactivated once, with an event', async () => {
    const created = await ok(create(usBank));
    const path = `/v1/counterparties/${created.id}/deactivate`;
    const inactive = await ok(server.api.post(path));
    expect(inactive).toEqual({ ...created, status: 'inactive', updatedAt: inactive.updatedAt });
    const before = await written();
    expect(await ok(server.api.post(path))).toEqual(inactive);
    expect(await written()).toEqual(before);
    const [updated] = await ok(server.api.get('/v1/events?type=counterparty.updated'));
    expect(updated.data).toEqual(inactive);
    const events = await ok(server.api.get('/v1/events?type=counterparty.created'));
    expect(events.map(({ data }: { data: object }) => data)).toContainEqual(created);
  });

  it('is created once for an idempotency key', async () => {
    const headers = { 'idempotency-key': 'counterparty-1' };
    const first = await create(usBank, headers);
    const again = await create(usBank, headers);
    expect([again.text, again.headers['idempotent-replayed']]).toEqual([first.text, 'true']);
    expect((await create(mobileMoney, headers)).status).toBe(409);
  });

  it('is not found from another environment, nor can it have a customer of one', async () => {
    const { id } = await ok(create(usBank));
    for (const path of [`/v1/counterparties/${id}`, `/v1/counterparties/${missingLike(id)}`]) {
      const get = await server.live.get(path);
      const post = await server.live.post(`${path}/deactivate`);
      for (const { error, status } of [get, post]) {
        expect([status, error.reason]).toEqual([404, 'counterparty_not_found']);
      }
    }
    expect(await ok(server.live.get('/v1/counterparties'))).toEqual([]);
    const foreign = await server.live.post('/v1/counterparties', { customerId, ...owner, ...mobileMoney });
    expect([foreign.status, foreign.error.reason]).toEqual([400, 'customer_not_found']);
    expect(foreign.error.details?.[0]?.path).toBe('/customerId');
  });
});

describe('verification', () => {
  it.each(valid)('is asked for where the type needs it: %s', async (_name, body) => {
    const { id } = await newCustomer(server.api);
    const needsNone = ['mobile_money', 'ghipss', 'nip', 'swift'].includes(
      (body as { accountType: string }).accountType,
    );
    for (const attempt of [create, validate]) {
      const { error, status } = await attempt({ ...body, customerId: id });
      expect([status, error?.reason]).toEqual(needsNone ? [200, undefined] : [409, 'kyc_required']);
    }
  });

  it('that was refused refuses every type', async () => {
    const { id } = await approvedCustomer(server.api);
    await decideKyc(server.api, id, 'rejected');
    for (const body of [usBank, mobileMoney]) {
      const { error, status } = await create({ ...body, customerId: id });
      expect([status, error.reason]).toEqual([409, 'kyc_required']);
      expect(error.details?.[0]?.message).toContain('rejected');
    }
  });
});

describe('a dry run', () => {
  it.each(valid)('tells what would be kept, and keeps nothing: %s', async (_name, body, shown, facts) => {
    const before = await written();
    expect(await ok(validate(body))).toMatchObject({ valid: true, ...shown, ...facts });
    expect(await written()).toEqual(before);
  });

  it('refuses a customer who is not there', async () => {
    const { error, status } = await validate({ ...usBank, customerId: missingLike(customerId) });
    expect([status, error.reason]).toEqual([400, 'customer_not_found']);
  });
});

it('lies sealed in every table, answers and events included', async () => {
  const secrets = {
    accountOwnerName: 'Zebedee Quillfeather',
    firstName: 'Zebedee',
    lastName: 'Quillfeather',
    bankName: 'Bank of Nowhere',
    accountName: 'Rainy days',
    address: '221b Sealed Street',
  };
  const numbers = { account_number: '55566677788', routing_number: '121000248' };
  const phone = { provider: 'MTN', phoneNumber: '+233509998887' };
  const headers = (key: string) => ({ 'idempotency-key': key });
  const created = await create({ ...usBank, ...secrets, account: numbers }, headers('sealed-1'));
  await ok(create({ ...mobileMoney, ...secrets, details: phone }, headers('sealed-2')));
  await ok(
    server.api.post(`/v1/counterparties/${created.data.id}/deactivate`, undefined, headers('sealed-3')),
  );
  for (const number of Object.values(numbers)) expect(created.text).not.toContain(number);
  const stored = await everything();
  expect(stored).toContain(created.data.id);
  for (const secret of [...Object.values(secrets), ...Object.values(numbers), phone.phoneNumber]) {
    expect(stored).not.toContain(secret);
  }
});
