import { InvalidArgumentError, Option } from 'commander';
import { limits } from './limits.ts';
import { parseRatio } from './money.ts';
import {
  parseAdminPort,
  parseBand,
  parseConnections,
  parseContact,
  parseCurrencyCode,
  parseFee,
  parseKeyIds,
  parsePort,
  parseProxies,
  parseRateLimit,
  parseRatesMapping,
  parseRatesUrl,
  parseSwitch,
  parseText,
  parseUrl,
  parseWhole,
} from './setting-parsers.ts';

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

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
          throw new InvalidArgumentError(`It must be one of: ${logLevels.join(', ')}.`);
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

/** Every setting of the server, in the order of `--help`. */
export function serverOptions(): Option[] {
  return [
    ...listenOptions(),
    ...dataOptions(),
    ...accessOptions(),
    ...moneyOptions(),
    ...rateOptions(),
    ...retentionOptions(),
    ...hostedOptions(),
    ...liveOptions(),
    ...processOptions(),
  ];
}

/** Where the server and its admin listener listen. */
function listenOptions(): Option[] {
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
  ];
}

/** Database owner, public URL, rate limits and connections. */
function accessOptions(): Option[] {
  return [
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
  ];
}

/** The pace of the sandbox and the fees. */
function moneyOptions(): Option[] {
  return [
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
  ];
}

/** How long keys and data are kept. */
function retentionOptions(): Option[] {
  return [
    new Option('--idempotency-hours <n>', 'how long answers are kept for their idempotency keys')
      .env('OPENLEDGER_IDEMPOTENCY_HOURS')
      .default(24)
      .argParser(parseWhole(24, 24 * 365)),
    retentionOption(),
  ];
}

/** Proxies, and the pages for customers. */
function hostedOptions(): Option[] {
  return [
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
  ];
}

/** Signer, chains and screening of live keys. */
function liveOptions(): Option[] {
  return [
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
      '--treasury-keys <ids>',
      'live API keys (key_…,key_…) that may order about payments and deposits',
    )
      .env('OPENLEDGER_TREASURY_KEYS')
      .default([], 'none')
      .argParser(parseKeyIds),
  ];
}

/** Webhooks to loopback, security contact, and the process itself. */
function processOptions(): Option[] {
  return [
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
    new Option(
      '--peg-band <band>',
      'the prices at which live usdt, pyusd and eurc are converted, as low/high',
    )
      .env('OPENLEDGER_PEG_BAND')
      .default(parseBand('0.97/1.03'), '0.97/1.03')
      .argParser(parseBand),
  ];
}
