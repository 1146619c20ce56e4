import { type DestinationStream, destination, type Logger, pino } from 'pino';
import { serializeError } from './error-text.ts';

export type { Logger };

/** Property names that are redacted in every logged object, up to two levels deep. */
const redactedNames = [
  'authorization',
  'x-api-key',
  'apiKey',
  'testKey',
  'liveKey',
  'secret',
  'masterKey',
  'databaseUrl',
  'migrationUrl',
  'password',
  'seed',
  'mnemonic',
  'privateKey',
  'email',
  'firstName',
  'lastName',
  'businessName',
  'accountOwnerName',
  'accountName',
  'account',
  'phoneNumber',
  'phone',
  'personal',
  'body',
  'first_name',
  'last_name',
  'values',
  'parameters',
  'detail',
  'where',
];

const redactedPaths = redactedNames.flatMap((name) => {
  const step = /^\w+$/.test(name) ? name : `["${name}"]`;
  const join = step.startsWith('[') ? '' : '.';
  return [step, `*${join}${step}`, `*.*${join}${step}`];
});

/** Patterns of API keys, links to hosted pages, webhook secrets and database passwords inside a text. */
const secretPatterns: readonly [RegExp, string][] = [
  [/\bld_(test|live)_([0-9A-Za-z]+)_[0-9A-Za-z]+/g, 'ld_$1_$2_[redacted]'],
  [/(\/hosted\/(?:kyc|terms)\/)[\w.-]+/g, '$1[redacted]'],
  [/\bwhsec_[0-9A-Za-z+/=_-]+/g, 'whsec_[redacted]'],
  [/(postgres(?:ql)?:\/\/[^:@/\s]+:)[^@\s]+@/g, '$1[redacted]@'],
];

/** Redacts keys and secrets in a text. */
export function redactText(text: string): string {
  let clean = text;
  for (const [pattern, replacement] of secretPatterns) clean = clean.replace(pattern, replacement);
  return clean;
}

/**
 * Creates the logger. It writes JSON lines, with keys and personal data redacted by property name and by pattern.
 *
 * @param level a pino level, or `silent`
 * @param stream where to write; stderr if left out
 */
export function createLogger(
  level: string,
  stream: DestinationStream = destination({ fd: 2, sync: true }),
): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: redactedPaths, censor: '[redacted]' },
      serializers: { err: (error: unknown) => serializeError(error) },
    },
    { write: (line: string) => stream.write(redactText(line)) },
  );
}
