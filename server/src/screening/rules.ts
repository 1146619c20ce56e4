import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import Type, { type Static } from 'typebox';
import { checkAddress } from '../chains/addresses.ts';
import { ConfigError } from '../platform/config.ts';
import { currencyScale, formatAmount, parseAmount } from '../platform/money.ts';
import type { Screener, ScreeningSubject, ScreeningVerdict } from './port.ts';

const closed = { additionalProperties: false } as const;
const amount = Type.String({ pattern: '^[0-9]{1,12}(\\.[0-9]{1,6})?$' });
const addresses = Type.Array(Type.String({ minLength: 1, maxLength: 100 }), { maxItems: 1_000_000 });

const RulesFile = Type.Object(
  {
    deny: Type.Optional(addresses),
    review: Type.Optional(addresses),
    allow: Type.Optional(addresses),
    rejectAbove: Type.Optional(amount),
    reviewAbove: Type.Optional(amount),
    velocity: Type.Optional(
      Type.Object(
        {
          hours: Type.Integer({ minimum: 1, maximum: 24 * 90 }),
          amountAbove: Type.Optional(amount),
          transfersAbove: Type.Optional(Type.Integer({ minimum: 1 })),
        },
        closed,
      ),
    ),
  },
  closed,
);
type RulesFile = Static<typeof RulesFile>;

const validate = new Ajv2020({ allErrors: true, strict: false }).compile<RulesFile>(RulesFile);

/** The built-in rules. Amounts are in units of 10^-6 of any stablecoin. */
export interface ScreeningRules {
  readonly deny: ReadonlySet<string>;
  readonly review: ReadonlySet<string>;
  readonly allow: ReadonlySet<string>;
  readonly rejectAboveMinor: bigint | undefined;
  readonly reviewAboveMinor: bigint | undefined;
  readonly velocity:
    | {
        readonly hours: number;
        readonly aboveMinor: bigint | undefined;
        readonly transfers: number | undefined;
      }
    | undefined;
}

/** What a customer has sent recently, the screened transfer included. */
export interface Velocity {
  readonly amountMinor: bigint;
  readonly transfers: number;
}

/** Rules that allow every transfer. */
export const noRules: ScreeningRules = {
  deny: new Set(),
  review: new Set(),
  allow: new Set(),
  rejectAboveMinor: undefined,
  reviewAboveMinor: undefined,
  velocity: undefined,
};

/**
 * Reads the rules from a JSON file.
 *
 * @throws ConfigError with the path and every fault
 */
export function readRulesFile(path: string): ScreeningRules {
  let file: unknown;
  try {
    file = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new ConfigError(`--screening-file: cannot read ${path}: ${(error as Error).message}`);
  }
  if (!validate(file)) {
    const faults = (validate.errors ?? []).map(({ instancePath, message, params }) => {
      const { additionalProperty } = params as { additionalProperty?: string };
      return additionalProperty === undefined
        ? `${instancePath || '/'}: It ${message}.`
        : `${instancePath}/${additionalProperty}: This field does not exist.`;
    });
    throw wrong(path, faults);
  }
  const faults = ineffectiveRules(file);
  if (faults.length > 0) throw wrong(path, faults);
  const { velocity } = file;
  return {
    deny: namesOf(file.deny),
    review: namesOf(file.review),
    allow: namesOf(file.allow),
    rejectAboveMinor: minorOf(file.rejectAbove),
    reviewAboveMinor: minorOf(file.reviewAbove),
    velocity: velocity && {
      hours: velocity.hours,
      aboveMinor: minorOf(velocity.amountAbove),
      transfers: velocity.transfersAbove,
    },
  };
}

function wrong(path: string, faults: readonly string[]): ConfigError {
  return new ConfigError(`--screening-file: ${path}:\n  ${faults.join('\n  ')}`);
}

/** Faults of rules that would never apply: texts that are not addresses, and a velocity without a limit. */
function ineffectiveRules(file: RulesFile): string[] {
  const faults = (['deny', 'review', 'allow'] as const).flatMap((list) =>
    (file[list] ?? []).flatMap((address, at) =>
      isAddress(address.trim()) ? [] : [`/${list}/${at}: It must be an address of a chain.`],
    ),
  );
  const { velocity } = file;
  if (velocity && velocity.amountAbove === undefined && velocity.transfersAbove === undefined) {
    faults.push('/velocity: It must have amountAbove, transfersAbove or both.');
  }
  return faults;
}

function isAddress(text: string): boolean {
  return (['ethereum', 'solana', 'tron'] as const).some((chain) => checkAddress(chain, text).ok);
}

/** Addresses of EVM chains are case-insensitive; those of other chains are not. */
function nameOf(address: string): string {
  return /^0x/i.test(address) ? address.toLowerCase() : address;
}

function namesOf(list: readonly string[] | undefined): ReadonlySet<string> {
  return new Set((list ?? []).map((address) => nameOf(address.trim())));
}

function minorOf(text: string | undefined): bigint | undefined {
  const parsed = text === undefined ? undefined : parseAmount(text, currencyScale.usdc);
  return parsed?.ok ? parsed.minor : undefined;
}

/**
 * Applies the rules: denied addresses and amounts first, then allowed addresses, then the rules for a review.
 */
export function applyRules(
  rules: ScreeningRules,
  { address, amountMinor }: ScreeningSubject,
  velocity: Velocity,
): ScreeningVerdict {
  const name = nameOf(address);
  const print = (minor: bigint): string => formatAmount(minor, currencyScale.usdc);
  if (rules.deny.has(name)) return { verdict: 'reject', reason: 'The address is on the deny list.' };
  if (rules.rejectAboveMinor !== undefined && amountMinor > rules.rejectAboveMinor) {
    return { verdict: 'reject', reason: `The amount exceeds ${print(rules.rejectAboveMinor)}.` };
  }
  if (rules.allow.has(name)) return { verdict: 'allow', reason: 'The address is on the allow list.' };
  if (rules.review.has(name)) return { verdict: 'review', reason: 'The address is on the review list.' };
  if (rules.reviewAboveMinor !== undefined && amountMinor > rules.reviewAboveMinor) {
    return { verdict: 'review', reason: `The amount exceeds ${print(rules.reviewAboveMinor)}.` };
  }
  const limit = rules.velocity;
  if (limit?.aboveMinor !== undefined && velocity.amountMinor > limit.aboveMinor) {
    const reason = `The customer has sent more than ${print(limit.aboveMinor)} in ${limit.hours} hours.`;
    return { verdict: 'review', reason };
  }
  if (limit?.transfers !== undefined && velocity.transfers > limit.transfers) {
    const reason = `The customer has made more than ${limit.transfers} transfers in ${limit.hours} hours.`;
    return { verdict: 'review', reason };
  }
  return { verdict: 'allow', reason: 'No rule applies.' };
}

/**
 * Creates a screener with the built-in rules.
 *
 * @param velocityOf returns what the customer has sent in the hours before the transfer, the transfer included
 */
export function createRuleScreener(
  rules: ScreeningRules,
  velocityOf: (subject: ScreeningSubject, hours: number) => Promise<Velocity>,
): Screener {
  return {
    async screen(subject) {
      const velocity = rules.velocity
        ? await velocityOf(subject, rules.velocity.hours)
        : { amountMinor: subject.amountMinor, transfers: 1 };
      return applyRules(rules, subject, velocity);
    },
  };
}
