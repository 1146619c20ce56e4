import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { Command, CommanderError } from 'commander';
import { serverOptions } from './config-options.ts';
import { isLoopbackHost, isPrivateUrl } from './loopback.ts';
import type { Ratio } from './money.ts';
import { parseMasterKey, parseMasterKeys } from './seal.ts';
import type { BandSetting, ConnectionsSetting, RateLimitSetting } from './setting-parsers.ts';

export interface Config {
  readonly port: number;
  readonly host: string;
  /** The port of probes and metrics; if undefined, the default one, or any free one if that is in use. */
  readonly adminPort: number | 'off' | undefined;
  readonly adminHost: string;
  readonly dataDir: string;
  /** An external PostgreSQL server; the embedded one if undefined. */
  readonly databaseUrl: string | undefined;
  /** The same database with the role that owns it and migrates; the role of `databaseUrl` does both if undefined. */
  readonly migrationUrl: string | undefined;
  readonly publicUrl: string | undefined;
  /** 32 bytes; the key file of the data directory if undefined. */
  readonly masterKey: Uint8Array | undefined;
  readonly masterKeyFile: string | undefined;
  readonly rateLimit: RateLimitSetting | undefined;
  readonly connections: ConnectionsSetting;
  readonly logLevel: string;
  /** Writer lanes; the number stored in the database if undefined. */
  readonly lanes: number | undefined;
  readonly sandboxStepMs: number;
  /** The fee of an on-chain transfer, as a part of its amount. */
  readonly onChainFee: Ratio;
  /** The fee of a payout or a fiat deposit, as a part of its amount. */
  readonly fiatFee: Ratio;
  /** Half spreads: the distance of a rate from the mid-market rate, as a part of it. */
  readonly rateSpread: Ratio;
  readonly stablecoinSpread: Ratio;
  /** The source of rates for live keys; there are none if undefined. */
  readonly ratesUrl: string | undefined;
  readonly ratesMapping: string;
  readonly ratesBase: string;
  readonly ratesRefreshMs: number;
  readonly ratesMaxAgeMs: number;
  /** The prices at which live pegged coins are converted. */
  readonly pegBand: BandSetting;
  readonly idempotencyHours: number;
  /** How long data of live customers is kept after their last transaction. */
  readonly retentionYears: number;
  /** Proxies whose `X-Forwarded-For` is trusted: addresses, networks, `loopback`; none if undefined. */
  readonly trustProxy: string[] | undefined;
  /** The terms of service that customers accept; the included ones if undefined. */
  readonly termsFile: string | undefined;
  /** The contact that customers are shown for questions on their links; the company that sent them if undefined. */
  readonly supportContact: string | undefined;
  /** The socket of a separate signer process that holds the seed; the server holds it if undefined. */
  readonly signerSocket: string | undefined;
  /** The file that configures chains for live keys; none are configured if undefined. */
  readonly chainsFile: string | undefined;
  /** The file of screening rules for live transfers; every transfer passes if undefined. */
  readonly screeningFile: string | undefined;
  /** The ids of the live keys that may use the routes of the treasury. */
  readonly treasuryKeys: readonly string[];
  /** Allows sandbox webhooks plain http and loopback addresses. */
  readonly loopbackWebhooks: boolean;
  /** The contact in `/.well-known/security.txt`; the file is not served if undefined. */
  readonly securityContact: string | undefined;
  readonly json: boolean;
  /** Includes the password in the database URL that `json` prints. */
  readonly showSecrets: boolean;
  readonly ephemeral: boolean;
}

/** A setting is invalid. `message` names it and states the rule. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/**
 * Adds the settings of a `.env` file in the working directory that the environment does not have.
 *
 * @throws ConfigError if the file cannot be read
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
 * @returns the settings, or the text of `--help`
 * @throws ConfigError if a setting is invalid
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
      '--ephemeral is for the embedded database and must not be set with --database-url (DATABASE_URL).',
    );
  }
  if (options.migrationUrl !== undefined && options.databaseUrl === undefined) {
    throw new ConfigError(
      '--migration-url (OPENLEDGER_MIGRATION_URL) requires --database-url (DATABASE_URL).',
    );
  }
  if (options.ratesUrl !== undefined && !/\{to\}/i.test(options.ratesUrl + options.ratesMapping)) {
    throw new ConfigError(
      '--rates-url or --rates-mapping must contain the placeholder {TO} (or {to}) for the currency.',
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

/** @throws ConfigError if live customers and clients would be sent to a URL whose traffic others can read */
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

/** Whether, by its settings, only this machine reaches the server. */
function isForThisMachine({ databaseUrl, host, publicUrl, trustProxy }: Config): boolean {
  if (databaseUrl !== undefined || trustProxy !== undefined) return false;
  return isLoopbackHost(host) && (publicUrl === undefined || isLoopbackHost(new URL(publicUrl).hostname));
}

/**
 * Reads the secrets among the settings. They come from the environment or from files, because every user of the machine
 * can read the command line of a process.
 *
 * @param command a parsed command with `dataOptions`
 * @throws ConfigError if one is invalid or on the command line; the message never contains a value
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

/** The master key, if it is not the key file of the data directory. At most one of the two is set. */
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

/** Removes the value from an error message of commander, because a setting may be a secret. */
export function withoutValue(message: string): string {
  return message
    .replace(/ value '.*' from env '(\w+)' is invalid\./s, " from env '$1' is wrong.")
    .replace(/ argument '.*' is invalid\./s, ' is wrong.')
    .replace(/(unknown option '-[^'=]*)=.*'/s, "$1'");
}
