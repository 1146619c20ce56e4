import { resolve } from 'node:path';
import { readFirstKeys } from '@openledger/server/key-files.ts';
import { ConfigError } from '@openledger/server/platform/config.ts';
import { type Command, InvalidArgumentError, Option } from 'commander';

/** The connection of a command that is a client of the API. */
export interface Connection {
  /** Without a trailing slash. */
  readonly url: string;
  readonly key: string;
}

/** The options of such a command. */
export interface ConnectionOptions {
  readonly url: string;
  readonly key?: string;
}

/** Adds the options of the server and the key to a command. */
export function withConnectionOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--url <url>', 'the server')
        .env('OPENLEDGER_URL')
        .default('http://127.0.0.1:4000')
        .argParser((text) => parseHttpUrl(text).replace(/\/+$/, '')),
    )
    .addOption(
      new Option(
        '--key <key>',
        'a test key; a live one only by its variable (default: the test key of the first start, kept in the data directory)',
      ).env('OPENLEDGER_KEY'),
    );
}

/**
 * The connection of the options.
 *
 * @throws ConfigError if no key is given and none is stored in the data directory
 */
export async function readConnection(options: ConnectionOptions, dataDir: string): Promise<Connection> {
  const key = options.key ?? (await readFirstKeys(resolve(dataDir)))?.testKey;
  if (key === undefined) {
    throw new ConfigError(
      `There is no key in ${resolve(dataDir)}; give one with --key (OPENLEDGER_KEY), or --data-dir.`,
    );
  }
  return { url: options.url, key };
}

/**
 * Refuses live keys on the command line, which every user of the machine can read.
 *
 * @param command a parsed command, with or without these options
 * @throws ConfigError if the command line has a live key
 */
export function refuseLiveKeyFlag(command: Command): void {
  const { key } = command.opts<Partial<ConnectionOptions>>();
  if (key?.startsWith('ld_live_') && command.getOptionValueSource('key') === 'cli') {
    throw new ConfigError('--key must not be a live key: set OPENLEDGER_KEY instead.');
  }
}

/**
 * Parses a URL; `localhost:3000/hooks` is allowed too.
 *
 * @throws InvalidArgumentError unless it is an http or https URL
 */
export function parseHttpUrl(text: string): string {
  const whole = /^[a-z][a-z+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  const url = URL.canParse(whole) ? new URL(whole) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return whole;
  throw new InvalidArgumentError('It must be a URL such as http://localhost:3000.');
}
