import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Receiver, startReceiver } from '../../../test/support/receiver.ts';
import { limits } from '../platform/limits.ts';
import { parseRatio } from '../platform/money.ts';
import { parseBand } from '../platform/setting-parsers.ts';
import { createHttpRates, type HttpRates } from './http-rates.ts';
import { quotedCurrencies } from './provider.ts';
import type { RateSource } from './rate-source.ts';

/** A real HTTP server that answers as a test says. */
let respond: (response: ServerResponse, url: URL) => void;
let source: Receiver;
let rates: HttpRates | undefined;
let nowMs: number;
const never = new AbortController().signal;

beforeEach(async () => {
  nowMs = 1_763_000_000_000;
  source = await startReceiver((response, _count, request) =>
    respond(response, new URL(request.url ?? '', 'http://localhost')),
  );
});
afterEach(async () => {
  await rates?.close();
  await source.stop();
});

const spread = parseRatio('0.01');
let pegBand = parseBand('0/100');
function open(path = '/latest', more: Partial<RateSource> = {}): HttpRates {
  rates = createHttpRates({
    clock: { now: () => nowMs },
    maxAgeMs: 60_000,
    spreads: { fiat: spread, stablecoin: spread },
    pegBand,
    source: {
      url: `http://127.0.0.1:${source.port}${path}`,
      mapping: '/rates/{TO}',
      base: 'usd',
      timeoutMs: 2000,
      ...more,
    },
  });
  return rates;
}

const mid = ({ provider }: HttpRates, from = 'usd', to = 'gbp') => provider.quote(from, to, nowMs)?.midRate;

describe('the rate of a pegged coin', () => {
  beforeEach(() => {
    pegBand = parseBand('0.97/1.03');
  });
  afterEach(() => {
    pegBand = parseBand('0/100');
  });
  const answer = (rates: object): void => {
    respond = (response) => response.end(JSON.stringify({ rates }));
  };

  it('is none outside of its band, from the first refresh on, and the last one ends', async () => {
    const opened = open();
    expect(opened.provider.faultOf('usdt', 'usd', nowMs)).toBe('There is no current rate of usdt.');
    answer({ USDT: 1.05, PYUSD: 1.0301, EUR: 0.86, EURC: 0.87 });
    await opened.refresh(never);
    expect([mid(opened, 'usdt', 'usd'), mid(opened, 'usd', 'usdt')]).toEqual([undefined, undefined]);
    expect(opened.provider.faultOf('usd', 'usdt', nowMs)).toBe(
      'The price of usdt is 0.9524 usd, outside of its band from 0.97 to 1.03.',
    );
    expect(mid(opened, 'pyusd', 'usd')).toBe('0.970780');
    expect(mid(opened, 'eurc', 'usd')).toBe('1.149425');
    answer({ USDT: 1.001, PYUSD: 0.96, EUR: 0.86, EURC: 0.9 });
    const { faults } = await opened.refresh(never);
    expect(mid(opened, 'usdt', 'usd')).toBe('0.999001');
    expect(opened.provider.faultOf('usdt', 'usd', nowMs)).toBeUndefined();
    // What was inside before is not used now.
    expect([mid(opened, 'pyusd', 'usd'), mid(opened, 'eurc', 'usd')]).toEqual([undefined, undefined]);
    expect(faults.get('eurc')).toMatch(/0.9556 eur, outside of its band/);
  });
});

describe('rates over HTTP', () => {
  it('are read out of one document, digit for digit', async () => {
    respond = (response) =>
      response.end('{"base":"USD","rates":{"GBP":0.75000000000000000001,"EUR":"8.6e-1","NGN":1450}}');
    const opened = open();
    expect(mid(opened)).toBeUndefined();
    const { faults, renewed } = await opened.refresh(never);
    expect(source.received).toHaveLength(1);
    expect(renewed).toBe(3);
    expect(faults.get('mxn')).toBe('The response does not contain the rate.');
    expect(faults.size).toBe(quotedCurrencies.length - 3);
    expect(opened.provider.quote('usd', 'gbp', nowMs)).toEqual({
      midRate: '0.750000',
      sellRate: '0.742500',
      // Rounded up: the twentieth decimal counts.
      buyRate: '0.757501',
    });
    expect([mid(opened, 'eur', 'usd'), mid(opened, 'ngn', 'usd')]).toEqual(['1.162791', '0.000689655']);
  });

  it('are asked for one by one when the URL names the currency', async () => {
    respond = (response, url) => {
      const to = url.searchParams.get('symbols');
      response.end(
        JSON.stringify({ from: url.searchParams.get('base'), usd: { [to ?? '']: { mid: '2.5' } } }),
      );
    };
    const opened = open('/pair?base={FROM}&symbols={to}', { mapping: '/{from}/{to}/mid' });
    expect(await opened.refresh(never)).toEqual({ renewed: quotedCurrencies.length, faults: new Map() });
    expect(source.received).toHaveLength(quotedCurrencies.length);
    expect(source.connections()).toBeLessThanOrEqual(limits.ratesConnections);
    expect(mid(opened)).toBe('2.500000');
  });

  it('may be for one of another currency, usd among them', async () => {
    respond = (response) => response.end('{"rates":{"USD":1.25,"GBP":0.9}}');
    const opened = open('/latest', { base: 'eur' });
    await opened.refresh(never);
    expect([mid(opened), mid(opened, 'usd', 'eur')]).toEqual(['0.720000', '0.800000']);
  });

  it('for one of another currency are none without one for usd', async () => {
    respond = (response) => response.end('{"rates":{"GBP":0.9}}');
    const { faults, renewed } = await open('/latest', { base: 'eur' }).refresh(never);
    expect(renewed).toBe(0);
    expect(faults.get('gbp')).toBe('No rate for usd: The response does not contain the rate.');
  });

  it.each([
    [
      'an error',
      (response: ServerResponse) => response.writeHead(500).end('{"rates":{"GBP":9}}'),
      'The source answered 500.',
    ],
    [
      'a redirect',
      (response: ServerResponse) => response.writeHead(302, { location: '/other' }).end(),
      'The source answered 302.',
    ],
    ['no JSON', (response: ServerResponse) => response.end('<html>'), 'The answer is not JSON in UTF-8.'],
    [
      'no UTF-8',
      (response: ServerResponse) => response.end(Buffer.from('{"rates":{"GBP":"\xff"}}', 'latin1')),
      'The answer is not JSON in UTF-8.',
    ],
    [
      'half an answer',
      (response: ServerResponse) =>
        response.writeHead(200, { 'content-length': 99 }).write('{"rates"') && response.destroy(),
      'The source cannot be reached (UND_ERR_SOCKET).',
    ],
    [
      'too much',
      (response: ServerResponse) =>
        response.end(`{"rates":{"GBP":0.75}}${' '.repeat(limits.ratesResponseBytes)}`),
      'The answer is larger than 1048576 bytes.',
    ],
    [
      'something else',
      (response: ServerResponse) => response.end('[1]'),
      'The response does not contain the rate.',
    ],
    [
      'no number',
      (response: ServerResponse) => response.end('{"rates":{"GBP":"n/a"}}'),
      'The rate is not a plain number.',
    ],
    [
      'a negative rate',
      (response: ServerResponse) => response.end('{"rates":{"GBP":-0.75}}'),
      'The rate is not a plain number.',
    ],
    [
      'zero',
      (response: ServerResponse) => response.end('{"rates":{"GBP":0.000}}'),
      'The rate is out of bounds.',
    ],
    [
      'an absurd rate',
      (response: ServerResponse) => response.end('{"rates":{"GBP":1e99}}'),
      'The rate is out of bounds.',
    ],
    [
      'a jump',
      (response: ServerResponse) => response.end('{"rates":{"GBP":0.91}}'),
      'The rate has jumped by more than 20 %.',
    ],
  ] as const)('keep the last good one after %s, until it is too old', async (_what, fail, fault) => {
    respond = (response) => response.end('{"rates":{"GBP":0.75}}');
    const opened = open();
    await opened.refresh(never);
    const startMs = nowMs;
    nowMs += 30_000;
    respond = fail;
    const { faults } = await opened.refresh(never);
    expect(faults.get('gbp')).toBe(fault);
    nowMs = startMs + 60_000;
    expect(mid(opened)).toBe('0.750000');
    nowMs += 1;
    expect(mid(opened)).toBeUndefined();
  });

  it('are given up when the server stops', async () => {
    respond = () => undefined;
    const stopping = new AbortController();
    const refreshing = open().refresh(stopping.signal);
    await expect.poll(() => source.received.length).toBe(1);
    stopping.abort();
    expect((await refreshing).renewed).toBe(0);
  });

  it('are given up when the source takes too long', async () => {
    respond = (response) => void response.writeHead(200).write('{"rates":');
    const startedMs = performance.now();
    const { faults } = await open('/latest', { timeoutMs: 200 }).refresh(never);
    expect(faults.get('gbp')).toBe('The source did not answer in time.');
    expect(performance.now() - startedMs).toBeGreaterThan(190);
  });

  it('follow a jump once the last good rate is too old', async () => {
    respond = (response) => response.end('{"rates":{"GBP":0.75}}');
    const opened = open();
    await opened.refresh(never);
    nowMs += 60_001;
    respond = (response) => response.end('{"rates":{"GBP":1.5}}');
    await opened.refresh(never);
    expect(mid(opened)).toBe('1.500000');
  });

  it('never tell of the URL, which may hold a key', async () => {
    const opened = open('/latest?key=hush');
    await source.stop();
    const { faults } = await opened.refresh(never);
    expect(faults.get('gbp')).toBe('The source cannot be reached (ECONNREFUSED).');
  });
});
