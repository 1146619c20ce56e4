import { afterEach, expect, it } from 'vitest';
import { type Receiver, startReceiver } from '../../../test/support/receiver.ts';
import { createLogger } from '../platform/logger.ts';
import { createMetrics } from '../platform/metrics.ts';
import { parseRatio } from '../platform/money.ts';
import { parseBand } from '../platform/setting-parsers.ts';
import type { Worker } from '../platform/worker-loop.ts';
import { createHttpRates } from './http-rates.ts';
import { quotedCurrencies } from './provider.ts';
import { startRates } from './worker.ts';

let source: Receiver;
let worker: Worker;
afterEach(async () => {
  await worker.stop();
  await source.stop();
});

it('logs what fails once, and once more when it has changed', async () => {
  let status = 503;
  const rates = Object.fromEntries(quotedCurrencies.map((currency) => [currency, 1]));
  source = await startReceiver((response) => void response.writeHead(status).end(JSON.stringify({ rates })));
  const lines: { msg: string; faults?: Record<string, string> }[] = [];
  const logger = createLogger('info', { write: (line) => void lines.push(JSON.parse(line)) });
  const spread = parseRatio('0.01');
  const http = createHttpRates({
    clock: { now: () => 0 },
    maxAgeMs: 1000,
    spreads: { fiat: spread, stablecoin: spread },
    pegBand: parseBand('0/100'),
    source: { url: `${source.url}?key=hush`, mapping: '/rates/{to}', base: 'usd', timeoutMs: 2000 },
  });
  worker = startRates({ rates: http, logger, metrics: createMetrics(() => 0), refreshMs: 10 });
  const turns = async (count: number) => {
    const wanted = source.received.length + count;
    await expect.poll(() => source.received.length).toBeGreaterThan(wanted);
  };
  await turns(4);
  status = 200;
  await turns(4);
  status = 500;
  await turns(4);
  expect(lines.map(({ faults, msg }) => [msg, faults?.gbp])).toEqual([
    ['exchange rates could not be refreshed', 'The source answered 503.'],
    ['every exchange rate was refreshed', undefined],
    ['exchange rates could not be refreshed', 'The source answered 500.'],
  ]);
  expect(JSON.stringify(lines)).not.toContain('hush');
  await http.close();
});
