import { describe, expect, it } from 'vitest';
import { ConfigError, readConfig } from './config.ts';

function settings(...args: string[]) {
  const read = readConfig(args);
  if ('helpText' in read) throw new Error('Help was asked for');
  return read.config;
}

describe('the source of live rates', () => {
  it('is none unless it is set', () => {
    expect(settings()).toMatchObject({
      ratesMapping: '/rates/{TO}',
      ratesBase: 'usd',
      rateSpread: { numerator: 5n, denominator: 1000n },
    });
    expect(settings().ratesUrl).toBeUndefined();
  });

  it('is a URL and a pointer with places for currencies', () => {
    const url = 'https://example.com/v1/{FROM}/{TO}?key=a/b';
    expect(settings('--rates-url', url, '--rates-mapping', '/rate')).toMatchObject({
      ratesUrl: url,
      ratesMapping: '/rate',
    });
  });

  it.each([
    ['--rates-url', 'ftp://example.com/{TO}'],
    ['--rates-url', 'example.com'],
    ['--rates-url', 'https://{TO}.example.com/'],
    ['--rates-url', 'https://example.com/{CURRENCY}'],
    ['--rates-mapping', 'rates'],
    ['--rates-mapping', '/rates/{X}'],
    ['--rates-base', 'USD'],
    ['--rate-spread', '1'],
    ['--stablecoin-spread', '-0.1'],
    ['--rates-max-age-ms', '0'],
  ])('with %s %s is refused, without repeating it', (flag, value) => {
    expect(() => settings(flag, value)).toThrow(ConfigError);
    expect(() => settings(flag, value)).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('example.com') }),
    );
  });

  it('must say where the currency goes', () => {
    expect(() => settings('--rates-url', 'https://example.com/', '--rates-mapping', '/rate')).toThrow(
      /\{TO\}/,
    );
  });
});
