import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ApiClient } from '../support/client.ts';
import { ok, stoppedClock } from '../support/factories.ts';
import { type Receiver, startReceiver } from '../support/receiver.ts';
import { startServer, type TestServer } from '../support/server.ts';

const clock = stoppedClock();
let server: TestServer;
let api: ApiClient;
beforeAll(async () => {
  server = await startServer({ clock });
  api = server.api;
});
afterAll(() => server.stop());

const ofContract = ['usd/gbp', 'usd/eur', 'usd/usdt', 'gbp/usd', 'eur/usd', 'usdt/usd'];
const ours = ['mxn', 'brl', 'ghs', 'ngn', 'kes', 'ugx', 'rwf', 'tzs', 'xof', 'xaf', 'zmw', 'eurc', 'pyusd'];
const pairs = [...ofContract, ...ours.flatMap((currency) => [`usd/${currency}`, `${currency}/usd`])];

const path = (pair: string) => `/v1/rates?from=${pair.split('/')[0]}&to=${pair.split('/')[1]}`;

describe('the rates of the sandbox', () => {
  it.each(pairs)('%s are there: two texts, sold for less than bought', async (pair) => {
    const rate = await ok(api.get(path(pair)));
    expect(rate).toEqual({
      from: pair.split('/')[0],
      to: pair.split('/')[1],
      buyRate: expect.stringMatching(/^\d+\.\d{6,}$/),
      sellRate: expect.stringMatching(/^\d+\.\d{6,}$/),
    });
    expect(Number(rate.sellRate)).toBeGreaterThan(0);
    expect(Number(rate.sellRate)).toBeLessThan(Number(rate.buyRate));
  });

  it('stay for a window of 30 s and then change, in every process alike', async () => {
    const second = await server.second();
    const seen = new Set<string>();
    for (let turn = 0; turn < 4; turn += 1) {
      const { data, text } = await api.get(path('usd/gbp'));
      expect((await api.get(path('usd/gbp'))).text).toBe(text);
      const elsewhere = await fetch(second.url + path('usd/gbp'), {
        headers: { authorization: `Bearer ${server.testKey}` },
      });
      expect(await elsewhere.text()).toBe(text);
      seen.add(data.sellRate);
      clock.advance(30_000);
    }
    expect(seen.size).toBe(4);
  });

  it('need a key', async () => {
    expect((await fetch(server.app.url + path('usd/gbp'))).status).toBe(401);
  });
});

describe('a request for a rate', () => {
  it.each([
    ['', ['query.from', 'query.to']],
    ['?from=usd', ['query.to']],
    ['?to=gbp', ['query.from']],
    ['?from=&to=gbp', ['query.from']],
    ['?from=usd&to=gbp&at=now', ['query.at']],
    ['?from=usd&from=eur&to=gbp', ['query.from']],
  ])('with the query %j is refused, naming %j', async (query, paths) => {
    const { error, status } = await api.get(`/v1/rates${query}`);
    expect([status, error.reason]).toEqual([400, 'validation_failed']);
    expect(error.details?.map((detail) => detail.path)).toEqual(paths);
  });

  it.each([
    ['usd/usd', [['query.to', /^It must be one of: gbp, eur, usdt, /]]],
    ['usd/usdc', [['query.to', /^It must be one of: gbp, /]]],
    ['gbp/eur', [['query.to', /^It must be one of: usd\.$/]]],
    ['xyz/usd', [['query.from', /^It must be one of: usd, gbp, /]]],
    ['USD/gbp', [['query.from', /^It must be in lower case: usd\.$/]]],
    ['usd/GBP', [['query.to', /^It must be in lower case: gbp\.$/]]],
    [
      'Usd/xyz',
      [
        ['query.from', /lower case: usd/],
        ['query.to', /^It must be one of: /],
      ],
    ],
    [
      'toString/__proto__',
      [
        ['query.from', /one of/],
        ['query.to', /one of/],
      ],
    ],
  ] as const)('for %s is refused, naming what fits and listing the pairs', async (pair, faults) => {
    const { error, status } = await api.get(path(pair));
    expect([status, error.reason]).toEqual([400, 'unsupported_pair']);
    const found = error.details?.map((detail) => [detail.path, detail.message]);
    expect(found).toEqual(faults.map(([where, message]) => [where, expect.stringMatching(message)]));
    const missing = pairs.filter((one) => !error.message.includes(one.replace('/', ' to ')));
    expect(missing).toEqual([]);
  });
});

describe('live rates', () => {
  let source: Receiver | undefined;
  let live: TestServer | undefined;
  afterEach(async () => {
    await live?.stop();
    await source?.stop();
  });

  it('are refused while no source is set', async () => {
    const { error, status } = await server.live.get(path('usd/gbp'));
    expect([status, error.reason]).toEqual([400, 'rates_not_configured']);
  });

  it('come from the source that is set, are renewed, and are refused when they are too old', async () => {
    let rate: string | undefined = '0.70';
    source = await startReceiver((response, _count, request) => {
      expect(request.url).toBe('/hooks?app_id=hush');
      if (rate === undefined) response.writeHead(503).end();
      else response.end(`{"data":{"gbp":${rate}}}`);
    });
    live = await startServer({
      ratesUrl: `${source.url}?app_id=hush`,
      ratesMapping: '/data/{to}',
      ratesRefreshMs: 50,
      ratesMaxAgeMs: 1000,
      rateSpread: { numerator: 1n, denominator: 10n },
    });
    const read = async () => (await live?.live.get(path('usd/gbp')))?.data?.sellRate;
    await expect.poll(read).toBe('0.630000');
    rate = '0.72';
    await expect.poll(read).toBe('0.648000');
    expect((await live.api.get(path('usd/gbp'))).data.sellRate).not.toBe('0.648000');

    const unknown = await live.live.get(path('usd/mxn'));
    expect([unknown.status, unknown.error.reason]).toEqual([400, 'rate_unavailable']);
    expect((await live.live.get(path('usd/usd'))).error.reason).toBe('unsupported_pair');

    rate = undefined;
    await expect
      .poll(async () => (await live?.live.get(path('usd/gbp')))?.error?.reason, { timeout: 5000 })
      .toBe('rate_unavailable');
    const metrics = await (await fetch(`${live.app.adminUrl}/metrics`)).text();
    expect(metrics).toMatch(/openledger_rates_refreshes_total\{result="partial"\} [1-9]/);
    expect(metrics).toMatch(/openledger_rates_refreshes_total\{result="failure"\} [1-9]/);
  });
});
