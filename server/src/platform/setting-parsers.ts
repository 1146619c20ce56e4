import { isIP } from 'node:net';
import { InvalidArgumentError } from 'commander';
import { limits } from './limits.ts';
import { isPrivateUrl } from './loopback.ts';
import { parseRatio, type Ratio } from './money.ts';

/** Requests per second that one API key may make. */
export interface RateLimitSetting {
  readonly writesPerSecond: number;
  readonly readsPerSecond: number;
}

/** The limits of connections, in all and from one client. */
export interface ConnectionsSetting {
  readonly connections: number;
  readonly connectionsPerClient: number;
}

/** @throws InvalidArgumentError unless the text is a port from 0 to 65535 */
export function parsePort(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) {
    throw new InvalidArgumentError('It must be a port from 0 (any free one) to 65535.');
  }
  return Number(text);
}

/** @throws InvalidArgumentError unless the text is a port or `off` */
export function parseAdminPort(text: string): number | 'off' {
  return text === 'off' ? 'off' : parsePort(text);
}

/** Parses URLs of these protocols, and removes slashes at their end. */
export function parseUrl(protocols: readonly string[]): (text: string) => string {
  return (text) => {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (!url || !protocols.includes(url.protocol)) {
      throw new InvalidArgumentError(
        `It must be a URL that starts with ${protocols.map((p) => `${p}//`).join(' or ')}.`,
      );
    }
    return text.replace(/\/+$/, '');
  };
}

/** @throws InvalidArgumentError unless the text is a `mailto:`, `https:` or `tel:` URI */
export function parseContact(text: string): string {
  const isContact = /^(mailto:[^\s@]+@[^\s@]+|https:\/\/\S+|tel:\+?[\d-]+)$/.test(text) && URL.canParse(text);
  if (!isContact) {
    throw new InvalidArgumentError(
      'It must be a URI such as mailto:security@example.com or https://example.com/security.',
    );
  }
  return text;
}

/** @throws InvalidArgumentError unless the text is `on` or `off` */
export function parseSwitch(text: string): boolean {
  if (text !== 'on' && text !== 'off') throw new InvalidArgumentError('It must be "on" or "off".');
  return text === 'on';
}

/**
 * Parses a rate limit: `writes/reads` per second, or `off`.
 *
 * @returns undefined for `off`
 * @throws InvalidArgumentError if the text is neither
 */
export function parseRateLimit(text: string): RateLimitSetting | undefined {
  if (text === 'off') return undefined;
  const match = /^([1-9]\d{0,6})\/([1-9]\d{0,6})$/.exec(text);
  if (!match)
    throw new InvalidArgumentError('It must be "off", or writes/reads per second such as "500/2000".');
  return { writesPerSecond: Number(match[1]), readsPerSecond: Number(match[2]) };
}

/** Parses `all/client`. */
export function parseConnections(text: string): ConnectionsSetting {
  const match = /^([1-9]\d{0,5})\/([1-9]\d{0,5})$/.exec(text);
  const [connections, connectionsPerClient] = [Number(match?.[1]), Number(match?.[2])];
  if (!match || connectionsPerClient > connections) {
    throw new InvalidArgumentError('It must be all/client, the second one not larger, such as "8192/1024".');
  }
  return { connections, connectionsPerClient };
}

/** Parses whole numbers of a range. */
export function parseWhole(min: number, max: number): (text: string) => number {
  return (text) => {
    if (!/^\d{1,9}$/.test(text) || Number(text) < min || Number(text) > max) {
      throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
    }
    return Number(text);
  };
}

/** Parses a part of one with at most 9 decimals. */
export function parseFee(text: string): Ratio {
  if (!/^0(\.\d{1,9})?$/.test(text)) {
    throw new InvalidArgumentError('It must be a part of one, such as "0.003" for 0.3 %.');
  }
  return parseRatio(text);
}

/** Two prices, the lower one first. */
export interface BandSetting {
  readonly low: Ratio;
  readonly high: Ratio;
}

/** Parses a band around one: `low/high`, with at most 6 decimals each. */
export function parseBand(text: string): BandSetting {
  const match = /^(0(?:\.\d{1,6})?|1)\/([1-9]\d{0,2}(?:\.\d{1,6})?)$/.exec(text);
  if (!match) throw new InvalidArgumentError('It must be low/high around 1, such as "0.97/1.03".');
  return { low: parseRatio(match[1] ?? ''), high: parseRatio(match[2] ?? '') };
}

const proxyNames = ['loopback', 'linklocal', 'uniquelocal'];

/** Parses a list of addresses, networks and names of networks. */
export function parseProxies(text: string): string[] {
  const proxies = text.split(',').map((proxy) => proxy.trim());
  const isKnown = (proxy: string): boolean => {
    if (proxyNames.includes(proxy)) return true;
    const [address = '', bits, ...rest] = proxy.split('/');
    const most = { 4: 32, 6: 128 }[isIP(address)];
    if (most === undefined || rest.length > 0) return false;
    return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) >= 1 && Number(bits) <= most);
  };
  if (proxies.every(isKnown)) return proxies;
  throw new InvalidArgumentError(
    `It must be addresses or networks such as "10.0.0.0/8", or ${proxyNames.join(', ')}, separated by commas.`,
  );
}

/** Whether every placeholder in braces is one of a currency. */
function hasOnlyCurrencyPlaceholders(text: string): boolean {
  return !/[{}]/.test(text.replaceAll(/\{(?:from|to|FROM|TO)\}/g, ''));
}

/** Parses a URL with optional placeholders for currencies. */
export function parseRatesUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !isPrivateUrl(url) || /[{}]|%7B/i.test(url.host) || !hasOnlyCurrencyPlaceholders(text)) {
    throw new InvalidArgumentError(
      'It must be a URL that starts with https://, or http:// if its host is loopback; {FROM} and {TO} in it stand for currencies.',
    );
  }
  return text;
}

/** Parses a JSON pointer with optional placeholders for currencies. */
export function parseRatesMapping(text: string): string {
  if (!text.startsWith('/') || text.length > limits.urlLength || !hasOnlyCurrencyPlaceholders(text)) {
    throw new InvalidArgumentError('It must be a JSON pointer, such as "/rates/{TO}".');
  }
  return text;
}

/** Parses three lower-case letters. */
export function parseCurrencyCode(text: string): string {
  if (!/^[a-z]{3}$/.test(text)) throw new InvalidArgumentError('It must be a currency code, such as "usd".');
  return text;
}

/** @throws InvalidArgumentError if the text is blank */
export function parseText(text: string): string {
  if (text.trim() === '') throw new InvalidArgumentError('It must not be empty.');
  return text;
}

/** Parses ids of API keys. @throws InvalidArgumentError */
export function parseKeyIds(text: string): string[] {
  const ids = text.split(',').map((id) => id.trim());
  if (ids.every((id) => /^key_[0-9a-z]{26}$/.test(id))) return ids;
  throw new InvalidArgumentError('It must be ids of API keys (key_…), separated by commas.');
}
