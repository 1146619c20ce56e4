import { setMaxListeners } from 'node:events';
import { type Dispatcher, request } from 'undici';
import { limits } from '../platform/limits.ts';
import type { Ratio } from '../platform/money.ts';
import { type JsonTexts, parseJsonTexts, textAt } from './json-texts.ts';

/** A source of rates, and where its responses have them. */
export interface RateSource {
  /** May contain the placeholders `{TO}` and `{FROM}`, or in lower case, for currency codes. */
  readonly url: string;
  /** JSON pointer to the rate in the response, with the same placeholders. */
  readonly mapping: string;
  /** The currency that the rates are for one of: `{FROM}`. */
  readonly base: string;
  readonly timeoutMs: number;
}

/** A currency's rate, or why there is none. Faults never contain the URL, which may contain a key. */
export type Fetched = { readonly value: Ratio } | { readonly fault: string };

/**
 * Fetches the rate of each currency: with one request each if the URL has a placeholder for it, else with one for all.
 * Never throws.
 *
 * @param currencies without the base, whose rate is 1
 * @param stopping aborts before the timeout
 */
export async function fetchRates<Currency extends string>(
  source: RateSource,
  currencies: readonly Currency[],
  agent: Dispatcher,
  stopping: AbortSignal,
): Promise<ReadonlyMap<Currency, Fetched>> {
  const signal = AbortSignal.any([stopping, AbortSignal.timeout(source.timeoutMs)]);
  setMaxListeners(0, signal);
  return fetchAll(source, currencies, agent, signal);
}

async function fetchAll<Currency extends string>(
  { base, mapping, url }: RateSource,
  currencies: readonly Currency[],
  agent: Dispatcher,
  signal: AbortSignal,
): Promise<ReadonlyMap<Currency, Fetched>> {
  const isPerCurrency = /\{to\}/i.test(url);
  const shared = isPerCurrency ? undefined : fetchDocument(fill(url, base, ''), agent, signal);
  const fetched = currencies.map(async (currency): Promise<[Currency, Fetched]> => {
    const document = await (shared ?? fetchDocument(fill(url, base, currency), agent, signal));
    return [
      currency,
      'fault' in document ? document : readRate(document.json, fill(mapping, base, currency)),
    ];
  });
  return new Map(await Promise.all(fetched));
}

function fill(template: string, from: string, to: string): string {
  const values: Record<string, string> = { from, to, FROM: from.toUpperCase(), TO: to.toUpperCase() };
  return template.replaceAll(/\{(from|to|FROM|TO)\}/g, (_, name: string) => values[name] ?? '');
}

type Document = { readonly json: JsonTexts } | { readonly fault: string };

async function fetchDocument(url: string, agent: Dispatcher, signal: AbortSignal): Promise<Document> {
  try {
    // undici observes the signal only once the request has a connection.
    const { bytes, status } = await Promise.race([get(url, agent, signal), aborted(signal)]);
    if (status !== 200) return { fault: `The source answered ${status}.` };
    if (!bytes) return { fault: `The answer is larger than ${limits.ratesResponseBytes} bytes.` };
    return { json: parseJsonTexts(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) };
  } catch (error) {
    return { fault: explain(error, signal) };
  }
}

/** Reads the body whatever the status is: an unread one would end the process when it is aborted. */
async function get(url: string, agent: Dispatcher, signal: AbortSignal) {
  const headers = { accept: 'application/json', 'user-agent': 'OpenLedger-Rates/1.0' };
  const answer = await request(url, { dispatcher: agent, headers, signal });
  return { status: answer.statusCode, bytes: await readLimited(answer.body) };
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

/** @returns undefined if the body is too large */
async function readLimited(body: Dispatcher.ResponseData['body']): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += (chunk as Buffer).length;
    // Leaving the loop destroys the stream.
    if (length > limits.ratesResponseBytes) return undefined;
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

function explain(error: unknown, signal: AbortSignal): string {
  if (signal.aborted) return 'The source did not answer in time.';
  if (error instanceof SyntaxError || error instanceof TypeError) return 'The answer is not JSON in UTF-8.';
  const { code } = error as { code?: string };
  return `The source cannot be reached${code === undefined ? '' : ` (${code})`}.`;
}

const ratePattern = /^(\d{1,20})(?:\.(\d{1,30}))?(?:[eE]([+-]?\d{1,2}))?$/;

function readRate(document: JsonTexts, pointer: string): Fetched {
  const text = textAt(document, pointer);
  if (text === undefined) return { fault: 'The response does not contain the rate.' };
  const match = ratePattern.exec(text);
  if (!match) return { fault: 'The rate is not a plain number.' };
  const [, whole = '', fraction = '', exponent = '0'] = match;
  const shift = Number(exponent) - fraction.length;
  const numerator = BigInt(whole + fraction) * 10n ** BigInt(Math.max(shift, 0));
  const denominator = 10n ** BigInt(Math.max(-shift, 0));
  const { rateFactor } = limits;
  if (numerator * rateFactor < denominator || numerator > denominator * rateFactor) {
    return { fault: 'The rate is out of bounds.' };
  }
  return { value: { numerator, denominator } };
}
