import { readFileSync } from 'node:fs';
import { ConfigError } from '@openledger/server/platform/config.ts';
import { Option } from 'commander';

/** A file instead of a flag, because every user of the machine can read the flags of a process. */
export function passphraseOption(): Option {
  return new Option(
    '--passphrase-file <path>',
    'a file whose first line is the passphrase of the seed file',
  ).env('OPENLEDGER_SEED_PASSPHRASE_FILE');
}

/** @throws ConfigError if the file cannot be read or is empty */
export function readPassphrase(path: string | undefined): string {
  if (path === undefined) throw new ConfigError('--passphrase-file must be the file with the passphrase.');
  const [line = ''] = readText('--passphrase-file', path).split('\n');
  const passphrase = line.replace(/\r$/, '');
  if (passphrase === '') throw new ConfigError(`--passphrase-file: the first line of ${path} is empty.`);
  return passphrase;
}

/** @throws ConfigError with the name of the option */
export function readText(option: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new ConfigError(`${option}: cannot read ${path} (${(error as NodeJS.ErrnoException).code}).`);
  }
}
