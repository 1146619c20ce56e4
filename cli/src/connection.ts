import { resolve } from 'node:path';
import { readFirstKeys } from '@openledger/server/key-files.ts';
import { ConfigError } from '@openledger/server/platform/config.ts';
import { type Command, InvalidArgumentError, Option } from 'commander';

/** How a command reaches a server as a client does: by HTTP, with a key. */
export interface Connection {
  /** Without a slash at its end. */
  readonly url: string;
  readonly key: string;
}

/** What the options of such a command say. */
export interface ConnectionOptions {
  readonly url: string;
  readonly key?: string;
}

/** Gives a command the options that say which server, and with which key. */
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
 * The connection that the options mean.
 *
 * @throws ConfigError when no key is given and none is kept in the data directory
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
 * Every user of the machine can read the command line of a process.
 *
 * @param command with or without these options, parsed
 * @throws ConfigError when there is a live key on the command line
 */
export function refuseLiveKeyFlag(command: Command): void {
  const { key } = command.opts<Partial<ConnectionOptions>>();
  if (key?.startsWith('ld_live_') && command.getOptionValueSource('key') === 'cli') {
    throw new ConfigError('--key must not be a live key: set OPENLEDGER_KEY instead.');
  }
}

/**
 * Reads a URL; `localhost:3000/hooks` is one too.
 *
 * @throws InvalidArgumentError when it is none of http or https
 */
export function parseHttpUrl(text: string): string {
  const whole = /^[a-z][a-z+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  const url = URL.canParse(whole) ? new URL(whole) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return whole;
  throw new InvalidArgumentError('Give a URL such as http://localhost:3000.');
}
