import { existsSync, readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { limits } from './limits.ts';
import { isLoopbackHost, isPrivateUrl } from './loopback.ts';
import { parseRatio, type Ratio } from './money.ts';
import { parseMasterKey, parseMasterKeys } from './seal.ts';

/** Requests a second that one API key may make; `undefined` switches the limit off. */
export interface RateLimitSetting {
  readonly writesPerSecond: number;
  readonly readsPerSecond: number;
}

/** How many connections there may be, in all and from one client. */
export interface ConnectionsSetting {
  readonly connections: number;
  readonly connectionsPerClient: number;
}

export interface Config {
  readonly port: number;
  readonly host: string;
  /** Where probes and metrics are; the usual port, or any free one, when undefined. */
  readonly adminPort: number | 'off' | undefined;
  readonly adminHost: string;
  readonly dataDir: string;
  /** A PostgreSQL server of the user's own; the embedded one when undefined. */
  readonly databaseUrl: string | undefined;
  /** The same database as the role that owns it and migrates; the role of `databaseUrl` does both when undefined. */
  readonly migrationUrl: string | undefined;
  readonly publicUrl: string | undefined;
  /** 32 bytes; a key file in the data directory when undefined. */
  readonly masterKey: Uint8Array | undefined;
  readonly masterKeyFile: string | undefined;
  readonly rateLimit: RateLimitSetting | undefined;
  readonly connections: ConnectionsSetting;
  readonly logLevel: string;
  /** Writer lanes; what the database was last set to when undefined. */
  readonly lanes: number | undefined;
  readonly sandboxStepMs: number;
  /** The part of an on-chain transfer that is kept as a fee. */
  readonly onChainFee: Ratio;
  /** The part of a payout or of a fiat deposit that is kept as a fee. */
  readonly fiatFee: Ratio;
  /** Half spreads: how far a rate is from the middle of the market, as a part of it. */
  readonly rateSpread: Ratio;
  readonly stablecoinSpread: Ratio;
  /** Where rates for live keys are fetched; none when undefined. */
  readonly ratesUrl: string | undefined;
  readonly ratesMapping: string;
  readonly ratesBase: string;
  readonly ratesRefreshMs: number;
  readonly ratesMaxAgeMs: number;
  readonly idempotencyHours: number;
  /** For how long data of live customers is kept after their last transaction. */
  readonly retentionYears: number;
  /** Proxies whose `X-Forwarded-For` is believed: addresses, networks, `loopback`; none when undefined. */
  readonly trustProxy: string[] | undefined;
  /** The terms that customers accept; our own when undefined. */
  readonly termsFile: string | undefined;
  /** Whom customers ask about their links; the company that sent them, when undefined. */
  readonly supportContact: string | undefined;
  /** The socket of a signer that runs apart and keeps the seed; the server keeps it when undefined. */
  readonly signerSocket: string | undefined;
  /** The chains that live keys are served on; none when undefined. */
  readonly chainsFile: string | undefined;
  /** The rules that transfers on them are screened by; all pass when undefined. */
  readonly screeningFile: string | undefined;
  /** Sandbox webhooks may be plain http and reach this machine. */
  readonly loopbackWebhooks: boolean;
  /** Whom `/.well-known/security.txt` names; there is none when undefined. */
  readonly securityContact: string | undefined;
  readonly json: boolean;
  /** The line that `json` prints has the password of the database. */
  readonly showSecrets: boolean;
  readonly ephemeral: boolean;
}

/** A setting is wrong: `message` says which and what would fit. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

function parsePort(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) {
    throw new InvalidArgumentError('Give a port from 0 (any free one) to 65535.');
  }
  return Number(text);
}

function parseAdminPort(text: string): number | 'off' {
  return text === 'off' ? 'off' : parsePort(text);
}

function parseUrl(protocols: readonly string[]): (text: string) => string {
  return (text) => {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (!url || !protocols.includes(url.protocol)) {
      throw new InvalidArgumentError(
        `Give a URL that starts with ${protocols.map((p) => `${p}//`).join(' or ')}.`,
      );
    }
    return text.replace(/\/+$/, '');
  };
}

function parseContact(text: string): string {
  const isContact = /^(mailto:[^\s@]+@[^\s@]+|https:\/\/\S+|tel:\+?[\d-]+)$/.test(text) && URL.canParse(text);
  if (!isContact) {
    throw new InvalidArgumentError(
      'Give a URI such as mailto:security@example.com or https://example.com/security.',
    );
  }
  return text;
}

function parseSwitch(text: string): boolean {
  if (text !== 'on' && text !== 'off') throw new InvalidArgumentError('Give "on" or "off".');
  return text === 'on';
}

/**
 * Reads a rate limit as it is set: `writes/reads` a second, or `off`.
 *
 * @returns undefined for `off`
 * @throws InvalidArgumentError when it is neither
 */
export function parseRateLimit(text: string): RateLimitSetting | undefined {
  if (text === 'off') return undefined;
  const match = /^([1-9]\d{0,6})\/([1-9]\d{0,6})$/.exec(text);
  if (!match) throw new InvalidArgumentError('Give "off", or writes/reads a second such as "500/2000".');
  return { writesPerSecond: Number(match[1]), readsPerSecond: Number(match[2]) };
}

function parseConnections(text: string): ConnectionsSetting {
  const match = /^([1-9]\d{0,5})\/([1-9]\d{0,5})$/.exec(text);
  const [connections, connectionsPerClient] = [Number(match?.[1]), Number(match?.[2])];
  if (!match || connectionsPerClient > connections) {
    throw new InvalidArgumentError('Give all/client, the second one not larger, such as "8192/1024".');
  }
  return { connections, connectionsPerClient };
}

function parseWhole(min: number, max: number): (text: string) => number {
  return (text) => {
    if (!/^\d{1,9}$/.test(text) || Number(text) < min || Number(text) > max) {
      throw new InvalidArgumentError(`Give a whole number from ${min} to ${max}.`);
    }
    return Number(text);
  };
}

function parseFee(text: string): Ratio {
  if (!/^0(\.\d{1,9})?$/.test(text)) {
    throw new InvalidArgumentError('Give a part of one, such as "0.003" for 0.3 %.');
  }
  return parseRatio(text);
}

const proxyNames = ['loopback', 'linklocal', 'uniquelocal'];

function parseProxies(text: string): string[] {
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
    `Give addresses or networks such as "10.0.0.0/8", or ${proxyNames.join(', ')}, separated by commas.`,
  );
}

/** A text with places for currencies: only those that there are. */
function hasOnlyCurrencyPlaces(text: string): boolean {
  return !/[{}]/.test(text.replaceAll(/\{(?:from|to|FROM|TO)\}/g, ''));
}

function parseRatesUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !isPrivateUrl(url) || /[{}]|%7B/i.test(url.host) || !hasOnlyCurrencyPlaces(text)) {
    throw new InvalidArgumentError(
      'Give a URL that starts with https://, or http:// if its host is loopback; {FROM} and {TO} in it stand for currencies.',
    );
  }
  return text;
}

function parseRatesMapping(text: string): string {
  if (!text.startsWith('/') || text.length > limits.urlLength || !hasOnlyCurrencyPlaces(text)) {
    throw new InvalidArgumentError('Give a JSON pointer, such as "/rates/{TO}".');
  }
  return text;
}

function parseCurrencyCode(text: string): string {
  if (!/^[a-z]{3}$/.test(text)) throw new InvalidArgumentError('Give a currency code, such as "usd".');
  return text;
}

function parseText(text: string): string {
  if (text.trim() === '') throw new InvalidArgumentError('It must not be empty.');
  return text;
}

/** Settings that the server and the command line tool share: where the data is and how it is locked. */
export function dataOptions(): Option[] {
  return [
    new Option('--data-dir <path>', 'where the embedded PostgreSQL and the key files live')
      .env('OPENLEDGER_DATA_DIR')
      .default('.openledger')
      .argParser(parseText),
    new Option(
      '--database-url <url>',
      'a PostgreSQL server of your own instead of the embedded one; with a password only by its variable',
    )
      .env('DATABASE_URL')
      .argParser(parseUrl(['postgres:', 'postgresql:'])),
    new Option(
      '--master-key-file <path>',
      'file with the key that encrypts secrets and personal data at rest, 64 hex digits; OPENLEDGER_MASTER_KEY holds the key itself',
    )
      .env('OPENLEDGER_MASTER_KEY_FILE')
      .argParser(parseText),
    new Option('--log-level <level>', `how much is logged to stderr: ${logLevels.join(', ')}`)
      .env('OPENLEDGER_LOG_LEVEL')
      .default('info')
      .argParser((text) => {
        if (!(logLevels as readonly string[]).includes(text)) {
          throw new InvalidArgumentError(`Give one of ${logLevels.join(', ')}.`);
        }
        return text;
      }),
    new Option(
      '--lanes <n>',
      'writer lanes, kept in the database; change it while no other server runs on it',
    )
      .env('OPENLEDGER_LANES')
      .argParser(parseWhole(1, limits.buckets)),
  ];
}

/** How long live customers' data is kept; the server and the command line tool refuse to erase it before. */
export function retentionOption(): Option {
  return new Option(
    '--retention-years <n>',
    "how long live customers' data is kept after their last transaction",
  )
    .env('OPENLEDGER_RETENTION_YEARS')
    .default(5)
    .argParser(parseWhole(0, 100));
}

function serverOptions(): Option[] {
  return [
    new Option('-p, --port <n>', 'port to listen on, 0 for any free one')
      .env('PORT')
      .default(4000)
      .argParser(parsePort),
    new Option('--host <address>', 'address to listen on')
      .env('HOST')
      .default('127.0.0.1')
      .argParser(parseText),
    new Option('--admin-port <n>', 'port of probes and metrics, 0 for any free one, or "off"')
      .env('OPENLEDGER_ADMIN_PORT')
      .argParser(parseAdminPort),
    new Option('--admin-host <address>', 'address that probes and metrics listen on')
      .env('OPENLEDGER_ADMIN_HOST')
      .default('127.0.0.1')
      .argParser(parseText),
    ...dataOptions(),
    new Option(
      '--migration-url <url>',
      'the same database as the role that owns it, to migrate and to grant; with a password only by its variable',
    )
      .env('OPENLEDGER_MIGRATION_URL')
      .argParser(parseUrl(['postgres:', 'postgresql:'])),
    new Option('--public-url <url>', 'base URL that clients reach this server by')
      .env('OPENLEDGER_PUBLIC_URL')
      .argParser(parseUrl(['http:', 'https:'])),
    new Option('--rate-limit <rule>', 'writes/reads a second for each API key, or "off"')
      .env('OPENLEDGER_RATE_LIMIT')
      .default(
        { writesPerSecond: limits.writesPerSecond, readsPerSecond: limits.readsPerSecond },
        `${limits.writesPerSecond}/${limits.readsPerSecond}`,
      )
      .argParser(parseRateLimit),
    new Option('--connections <rule>', 'connections in all and from one client, as all/client')
      .env('OPENLEDGER_CONNECTIONS')
      .default(
        { connections: limits.connections, connectionsPerClient: limits.connectionsPerClient },
        `${limits.connections}/${limits.connectionsPerClient}`,
      )
      .argParser(parseConnections),
    new Option('--sandbox-step-ms <n>', 'how long a sandbox transfer rests in each status')
      .env('OPENLEDGER_SANDBOX_STEP_MS')
      .default(1000)
      .argParser(parseWhole(0, 3_600_000)),
    new Option('--on-chain-fee <part>', 'the part of an on-chain transfer that is kept as a fee')
      .env('OPENLEDGER_ON_CHAIN_FEE')
      .default(parseRatio('0.003'), '0.003')
      .argParser(parseFee),
    new Option('--fiat-fee <part>', 'the part of a payout or a fiat deposit that is kept as a fee')
      .env('OPENLEDGER_FIAT_FEE')
      .default(parseRatio('0.03'), '0.03')
      .argParser(parseFee),
    ...rateOptions(),
    new Option('--idempotency-hours <n>', 'how long answers are kept for their idempotency keys')
      .env('OPENLEDGER_IDEMPOTENCY_HOURS')
      .default(24)
      .argParser(parseWhole(24, 24 * 365)),
    retentionOption(),
    new Option('--trust-proxy <list>', 'proxies whose X-Forwarded-For tells where clients come from')
      .env('OPENLEDGER_TRUST_PROXY')
      .argParser(parseProxies),
    new Option(
      '--terms-file <path>',
      'the terms that customers accept, in Markdown; its name is their version',
    )
      .env('OPENLEDGER_TERMS_FILE')
      .argParser(parseText),
    new Option(
      '--support-contact <text>',
      'whom customers ask when a link does not work, such as "Acme Pay (help@acme.example)"',
    )
      .env('OPENLEDGER_SUPPORT_CONTACT')
      .argParser(parseText),
    new Option('--signer-socket <path>', 'the socket of a signer that runs apart and keeps the seed')
      .env('OPENLEDGER_SIGNER_SOCKET')
      .argParser(parseText),
    new Option('--chains-file <path>', 'the chains that live keys are served on, in JSON')
      .env('OPENLEDGER_CHAINS_FILE')
      .argParser(parseText),
    new Option('--screening-file <path>', 'rules that live transfers on chains are screened by, in JSON')
      .env('OPENLEDGER_SCREENING_FILE')
      .argParser(parseText),
    new Option(
      '--loopback-webhooks <on|off>',
      'sandbox webhooks may be http and reach this machine; without it, while only this machine reaches the server',
    )
      .env('OPENLEDGER_LOOPBACK_WEBHOOKS')
      .argParser(parseSwitch),
    new Option(
      '--security-contact <uri>',
      'whom /.well-known/security.txt names, such as mailto:security@example.com',
    )
      .env('OPENLEDGER_SECURITY_CONTACT')
      .argParser(parseContact),
    new Option('--ephemeral', 'use a temporary data directory and remove it at the end').default(false),
    new Option('--json', 'print one JSON line on stdout when ready').default(false),
    new Option('--show-secrets', 'print the database URL of --json with its password').default(false),
  ];
}

function rateOptions(): Option[] {
  return [
    new Option('--rate-spread <part>', 'how far exchange rates are from the middle, as a part of it')
      .env('OPENLEDGER_RATE_SPREAD')
      .default(parseRatio('0.005'), '0.005')
      .argParser(parseFee),
    new Option('--stablecoin-spread <part>', 'the same for usdt, pyusd and eurc')
      .env('OPENLEDGER_STABLECOIN_SPREAD')
      .default(parseRatio('0.001'), '0.001')
      .argParser(parseFee),
    new Option('--rates-url <url>', 'where exchange rates for live keys are fetched')
      .env('OPENLEDGER_RATES_URL')
      .argParser(parseRatesUrl),
    new Option('--rates-mapping <pointer>', 'where a rate is in the JSON that --rates-url answers')
      .env('OPENLEDGER_RATES_MAPPING')
      .default('/rates/{TO}')
      .argParser(parseRatesMapping),
    new Option('--rates-base <currency>', 'the currency that those rates are for one of')
      .env('OPENLEDGER_RATES_BASE')
      .default('usd')
      .argParser(parseCurrencyCode),
    new Option('--rates-refresh-ms <n>', 'how often they are fetched')
      .env('OPENLEDGER_RATES_REFRESH_MS')
      .default(60_000)
      .argParser(parseWhole(1000, 86_400_000)),
    new Option('--rates-max-age-ms <n>', 'how long after it was fetched a rate may be used')
      .env('OPENLEDGER_RATES_MAX_AGE_MS')
      .default(900_000)
      .argParser(parseWhole(1000, 604_800_000)),
  ];
}

/**
 * Puts the settings of a `.env` file in the working directory under those of the environment.
 *
 * @throws ConfigError when the file cannot be read
 */
export function loadDotEnv(env: NodeJS.ProcessEnv, path = resolve('.env')): void {
  if (!existsSync(path)) return;
  let entries: NodeJS.Dict<string>;
  try {
    entries = parseEnv(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new ConfigError(`Cannot read ${path}: ${(cause as Error).message}`);
  }
  for (const [name, value] of Object.entries(entries)) if (value !== undefined) env[name] ??= value;
}

/**
 * Reads the settings from flags, environment and defaults, in that order.
 *
 * @param args command line arguments, without node and script
 * @returns the settings, or the text to print and leave with (`--help`)
 * @throws ConfigError naming the wrong setting and what would fit
 */
export function readConfig(args: readonly string[]): { config: Config } | { helpText: string } {
  let helpText = '';
  const command = new Command('npm start --')
    .description(
      'Starts an OpenLedger server. Every setting may also come from the environment or a .env file.',
    )
    .exitOverride()
    .allowExcessArguments(false)
    .configureOutput({ writeOut: (text) => (helpText += text), writeErr: () => undefined });
  for (const option of serverOptions()) command.addOption(option);
  try {
    command.parse([...args], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError && error.code === 'commander.helpDisplayed') return { helpText };
    throw new ConfigError(withoutValue((error as Error).message.replace(/^error: /, '')));
  }
  const options = command.opts<Config>();
  const masterKeys = readSecrets(command);
  if (options.ephemeral && options.databaseUrl) {
    throw new ConfigError(
      '--ephemeral is for the embedded database; leave out --database-url (DATABASE_URL).',
    );
  }
  if (options.migrationUrl !== undefined && options.databaseUrl === undefined) {
    throw new ConfigError(
      '--migration-url (OPENLEDGER_MIGRATION_URL) needs --database-url (DATABASE_URL) beside it.',
    );
  }
  if (options.ratesUrl !== undefined && !/\{to\}/i.test(options.ratesUrl + options.ratesMapping)) {
    throw new ConfigError(
      '--rates-url or --rates-mapping must say with {TO} (or {to}) where the currency goes.',
    );
  }
  requirePrivateLive(options);
  const loopbackWebhooks = options.loopbackWebhooks ?? isForThisMachine(options);
  return { config: { ...options, ...masterKeys, loopbackWebhooks, dataDir: resolve(options.dataDir) } };
}

/** Settings that only live keys use. */
const liveSettings = [
  ['chainsFile', '--chains-file'],
  ['signerSocket', '--signer-socket'],
  ['screeningFile', '--screening-file'],
] as const;

const anyAddress = ['0.0.0.0', '::'];

/** @throws ConfigError when live customers and clients would be sent to a URL whose traffic others can read */
function requirePrivateLive(options: Config): void {
  const { host, publicUrl } = options;
  const live = liveSettings.find(([name]) => options[name] !== undefined)?.[1];
  if (live === undefined) return;
  const rule = `must be https, unless its host is loopback: ${live} serves live keys.`;
  if (publicUrl !== undefined && !isPrivateUrl(new URL(publicUrl))) {
    throw new ConfigError(`--public-url (OPENLEDGER_PUBLIC_URL) ${rule}`);
  }
  if (publicUrl === undefined && !isLoopbackHost(host) && !anyAddress.includes(host)) {
    throw new ConfigError(
      `--public-url (OPENLEDGER_PUBLIC_URL) must be set where --host is not loopback, and ${rule}`,
    );
  }
}

/** Whether only this machine reaches the server, as far as its settings tell. */
function isForThisMachine({ databaseUrl, host, publicUrl, trustProxy }: Config): boolean {
  if (databaseUrl !== undefined || trustProxy !== undefined) return false;
  return isLoopbackHost(host) && (publicUrl === undefined || isLoopbackHost(new URL(publicUrl).hostname));
}

/**
 * Reads the secrets among the settings. They come from the environment or from files: every user of the machine can read
 * the command line of a process.
 *
 * @param command with `dataOptions`, parsed
 * @throws ConfigError when one is wrong, or on the command line; values are never repeated
 */
export function readSecrets(command: Command): MasterKeySettings {
  const { masterKeyFile } = command.opts<{ masterKeyFile?: string }>();
  refusePassword(command, 'databaseUrl', '--database-url', 'DATABASE_URL');
  refusePassword(command, 'migrationUrl', '--migration-url', 'OPENLEDGER_MIGRATION_URL');
  return readMasterKeySetting(process.env.OPENLEDGER_MASTER_KEY, masterKeyFile);
}

function refusePassword(command: Command, name: string, flag: string, variable: string): void {
  const text: string | undefined = command.opts()[name];
  if (text === undefined || command.getOptionValueSource(name) !== 'cli') return;
  const url = new URL(text);
  if (url.password === '' && !url.searchParams.has('password')) return;
  throw new ConfigError(`${flag} must not have a password: set ${variable} instead.`);
}

/** Where the master key comes from when it is not the key file of the data directory: one of both at most. */
export interface MasterKeySettings {
  /** 32 bytes. */
  readonly masterKey?: Uint8Array | undefined;
  /** A file with a key on each line, the current one first. */
  readonly masterKeyFile?: string | undefined;
}

function readMasterKeySetting(text: string | undefined, path: string | undefined): MasterKeySettings {
  if (path === undefined) {
    const masterKey = text === undefined ? undefined : masterKeyOf('OPENLEDGER_MASTER_KEY', text);
    return { masterKey, masterKeyFile: undefined };
  }
  const name = '--master-key-file (OPENLEDGER_MASTER_KEY_FILE)';
  if (text !== undefined) throw new ConfigError(`${name} and OPENLEDGER_MASTER_KEY must not both be set.`);
  let read: string;
  try {
    read = readFileSync(path, 'utf8');
  } catch (error) {
    throw new ConfigError(`${name}: cannot read ${path} (${(error as NodeJS.ErrnoException).code}).`);
  }
  if (parseMasterKeys(read)) return { masterKey: undefined, masterKeyFile: path };
  throw new ConfigError(
    `${name} must hold 64 hexadecimal digits on each line (make them with: openssl rand -hex 32).`,
  );
}

function masterKeyOf(name: string, text: string): Uint8Array {
  const key = parseMasterKey(text);
  if (!key)
    throw new ConfigError(`${name} must be 64 hexadecimal digits (make them with: openssl rand -hex 32).`);
  return key;
}

/** A setting may be a secret: takes its value out of commander's error, which then only names the setting. */
export function withoutValue(message: string): string {
  return message
    .replace(/ value '.*' from env '(\w+)' is invalid\./s, " from env '$1' is wrong.")
    .replace(/ argument '.*' is invalid\./s, ' is wrong.')
    .replace(/(unknown option '-[^'=]*)=.*'/s, "$1'");
}
