import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { ConfigError, readConfig } from './config.ts';
import { parseMasterKey } from './seal.ts';

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

describe('what others could read on the way', () => {
  const live = ['--chains-file', 'chains.json'];

  it.each([
    ['http://ledger.example', live],
    ['http://192.0.2.1:4000', live],
    ['http://localhost.example', live],
    ['http://127.0.0.1.example', live],
    ['http://ledger.example', ['--signer-socket', 'signer.sock']],
    ['http://ledger.example', ['--screening-file', 'rules.json']],
  ])('a public URL %s is refused with %j', (url, flags) => {
    expect(() => settings('--public-url', url, ...flags)).toThrow(/^--public-url .*must be https.*live keys/);
  });

  it.each(['https://ledger.example', 'http://localhost:4000', 'http://127.8.0.1', 'http://[::1]:4000'])(
    'a public URL %s is taken for live keys',
    (url) => {
      expect(settings('--public-url', url, ...live).publicUrl).toBe(url);
    },
  );

  it('a sandbox may be reached by http', () => {
    expect(settings('--public-url', 'http://ledger.lan', '--host', '10.0.0.5').publicUrl).toBe(
      'http://ledger.lan',
    );
  });

  it('a server for live keys on another address than loopback needs a public URL', () => {
    expect(() => settings('--host', '10.0.0.5', ...live)).toThrow(/--public-url .*must be set/);
    expect(settings('--host', '10.0.0.5', '--public-url', 'https://x.example', ...live).host).toBe(
      '10.0.0.5',
    );
    expect(settings('--host', '0.0.0.0', ...live).host).toBe('0.0.0.0');
  });

  it('a source of rates by http must be loopback', () => {
    expect(() => settings('--rates-url', 'http://rates.example/{TO}')).toThrow(
      /http:\/\/ if its host is loopback/,
    );
    expect(settings('--rates-url', 'http://127.0.0.1:1/{TO}').ratesUrl).toBe('http://127.0.0.1:1/{TO}');
  });
});

describe('sandbox webhooks to this machine', () => {
  it.each([
    [[], true],
    [['--host', '::1'], true],
    [['--host', 'localhost', '--public-url', 'http://localhost:4000'], true],
    [['--host', '0.0.0.0'], false],
    [['--host', '10.0.0.5'], false],
    [['--public-url', 'https://ledger.example'], false],
    [['--trust-proxy', 'loopback'], false],
    [['--database-url', 'postgres://localhost/ledger'], false],
    [['--host', '0.0.0.0', '--loopback-webhooks', 'on'], true],
    [['--loopback-webhooks', 'off'], false],
  ])('with %j: %s', (args, isOn) => {
    expect(settings(...args).loopbackWebhooks).toBe(isOn);
  });
});

describe('secrets', () => {
  const key = 'ab'.repeat(32);
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'openledger-config-'));
    writeFileSync(join(directory, 'key'), `${key}\n`);
    writeFileSync(join(directory, 'wrong'), 'hunter2\n');
  });
  afterAll(() => rmSync(directory, { recursive: true }));
  afterEach(() => vi.unstubAllEnvs());

  it('the master key comes from the environment, or from a file that is named', () => {
    expect(settings().masterKey).toBeUndefined();
    // Servers read the file again while they run, so the setting is its path.
    const inFile = { masterKey: undefined, masterKeyFile: join(directory, 'key') };
    expect(settings('--master-key-file', join(directory, 'key'))).toMatchObject(inFile);
    vi.stubEnv('OPENLEDGER_MASTER_KEY_FILE', join(directory, 'key'));
    expect(settings()).toMatchObject(inFile);
    vi.unstubAllEnvs();
    vi.stubEnv('OPENLEDGER_MASTER_KEY', key);
    expect(settings().masterKey).toEqual(parseMasterKey(key));
    expect(() => settings('--master-key-file', join(directory, 'key'))).toThrow(/must not both be set/);
  });

  it.each([
    ['a key on the command line', ['--master-key', 'hunter2'], /unknown option '--master-key'/],
    ['a key behind =', ['--master-key=hunter2'], /unknown option '--master-key'/],
    ['a file without a key', ['--master-key-file', 'wrong'], /OPENLEDGER_MASTER_KEY_FILE.*64 hexadecimal/],
    ['no file', ['--master-key-file', 'none'], /OPENLEDGER_MASTER_KEY_FILE.*cannot read .*ENOENT/],
    ['a password', ['--database-url', 'postgres://me:hunter2@localhost/x'], /--database-url.*DATABASE_URL/],
    ['a password', ['--database-url', 'postgres://localhost/x?password=hunter2'], /DATABASE_URL/],
    ['a password', ['--migration-url', 'postgres://me:hunter2@localhost/x'], /OPENLEDGER_MIGRATION_URL/],
  ])('%s is refused, and not repeated', (_what, [flag = '', value = ''], words) => {
    const args =
      flag === '--master-key-file' ? [flag, join(directory, value)] : value === '' ? [flag] : [flag, value];
    let message = '';
    try {
      settings(...args);
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).toMatch(words);
    expect(message).not.toContain('hunter2');
  });

  it('a database URL with a password comes from the environment, one without from anywhere', () => {
    const url = 'postgres://me:hunter2@localhost/x';
    vi.stubEnv('DATABASE_URL', url);
    expect(settings().databaseUrl).toBe(url);
    expect(settings('--database-url', 'postgres://me@localhost/x').databaseUrl).toBe(
      'postgres://me@localhost/x',
    );
  });
});

it.each([
  ['mailto:security@example.com', true],
  ['https://example.com/security', true],
  ['tel:+1-201-555-0123', true],
  ['security@example.com', false],
  ['http://example.com/', false],
  ['https://example.com/\nPolicy: x', false],
])('the security contact %j: %s', (contact, isTaken) => {
  const read = () => settings('--security-contact', contact).securityContact;
  if (isTaken) expect(read()).toBe(contact);
  else expect(read).toThrow(/--security-contact.*wrong/);
});

describe('a setting that is not valid', () => {
  afterEach(() => vi.unstubAllEnvs());
  const secret = 'hunter2hunter2';

  it.each<[setting: string, given: { env?: Record<string, string>; args?: string[] }]>([
    ['PORT', { env: { PORT: 'abc' } }],
    ['PORT', { env: { PORT: '65536' } }],
    ['--port', { args: ['--port', 'abc'] }],
    ['OPENLEDGER_ADMIN_PORT', { env: { OPENLEDGER_ADMIN_PORT: 'on' } }],
    ['OPENLEDGER_ADMIN_HOST', { env: { OPENLEDGER_ADMIN_HOST: ' ' } }],
    ['OPENLEDGER_RATE_LIMIT', { env: { OPENLEDGER_RATE_LIMIT: 'x' } }],
    ['OPENLEDGER_MASTER_KEY', { env: { OPENLEDGER_MASTER_KEY: secret } }],
    ['--master-key', { args: ['--master-key', secret] }],
    ['--master-key', { args: [`--master-key=${secret}`] }],
    ['--database-url', { args: ['--database-url', `postgres://me:${secret}@127.0.0.1:1/x`] }],
    [
      '--chains-file',
      { env: { OPENLEDGER_CHAINS_FILE: 'x.json', OPENLEDGER_PUBLIC_URL: 'http://x.example' } },
    ],
    ['DATABASE_URL', { env: { DATABASE_URL: secret } }],
    ['DATABASE_URL', { env: { DATABASE_URL: `mysql://root:${secret}@localhost/x` } }],
    ['OPENLEDGER_LOG_LEVEL', { env: { OPENLEDGER_LOG_LEVEL: 'loud' } }],
    ['OPENLEDGER_PUBLIC_URL', { env: { OPENLEDGER_PUBLIC_URL: 'example.com' } }],
    ['OPENLEDGER_DATA_DIR', { env: { OPENLEDGER_DATA_DIR: ' ' } }],
    ['HOST', { env: { HOST: ' ' } }],
    ['OPENLEDGER_TRUST_PROXY', { env: { OPENLEDGER_TRUST_PROXY: 'loopback, 10.0.0.0/64' } }],
    ['OPENLEDGER_TERMS_FILE', { env: { OPENLEDGER_TERMS_FILE: ' ' } }],
    ['OPENLEDGER_LANES', { env: { OPENLEDGER_LANES: '65' } }],
    ['--nonsense', { args: ['--nonsense'] }],
    ['--json', { args: ['--jsno'] }],
    ['DATABASE_URL', { args: ['--ephemeral'], env: { DATABASE_URL: 'postgres://localhost/x' } }],
    ['argument', { args: ['please'] }],
  ])('is named, without its value: %s %j', (setting, { args = [], env = {} }) => {
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    expect(() => settings(...args)).toThrow(ConfigError);
    expect(() => settings(...args)).toThrow(setting);
    expect(() => settings(...args)).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining(secret) }),
    );
  });
});
