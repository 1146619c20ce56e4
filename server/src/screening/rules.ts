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

/** The built-in rules. Amounts are in minor units; every stablecoin has six decimals, and counts alike. */
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

/** What a customer has sent lately, the transfer at hand included. */
export interface Velocity {
  readonly amountMinor: bigint;
  readonly transfers: number;
}

/** Rules that let everything pass. */
export const noRules: ScreeningRules = {
  deny: new Set(),
  review: new Set(),
  allow: new Set(),
  rejectAboveMinor: undefined,
  reviewAboveMinor: undefined,
  velocity: undefined,
};

/**
 * Reads the rules.
 *
 * @throws ConfigError naming the file and the fields at fault
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
        : `${instancePath}/${additionalProperty}: There is no such field.`;
    });
    throw wrong(path, faults);
  }
  const faults = meaningless(file);
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

/** Rules that never apply would be believed to protect: what is no address, and a velocity without a limit. */
function meaningless(file: RulesFile): string[] {
  const faults = (['deny', 'review', 'allow'] as const).flatMap((list) =>
    (file[list] ?? []).flatMap((address, at) =>
      isAddress(address.trim()) ? [] : [`/${list}/${at}: It is no address of any chain.`],
    ),
  );
  const { velocity } = file;
  if (velocity && velocity.amountAbove === undefined && velocity.transfersAbove === undefined) {
    faults.push('/velocity: Give amountAbove, transfersAbove or both.');
  }
  return faults;
}

function isAddress(text: string): boolean {
  return (['ethereum', 'solana', 'tron'] as const).some((chain) => checkAddress(chain, text).ok);
}

/** Addresses of EVM chains are the same whatever the case of their letters; those of others are not. */
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
 * Applies the rules: denied addresses and amounts first, then what is always allowed, then what must be looked at.
 */
export function applyRules(
  rules: ScreeningRules,
  { address, amountMinor }: ScreeningSubject,
  velocity: Velocity,
): ScreeningVerdict {
  const name = nameOf(address);
  const print = (minor: bigint): string => formatAmount(minor, currencyScale.usdc);
  if (rules.deny.has(name))
    return { verdict: 'reject', reason: 'The address is on the list of denied ones.' };
  if (rules.rejectAboveMinor !== undefined && amountMinor > rules.rejectAboveMinor) {
    return { verdict: 'reject', reason: `It is more than ${print(rules.rejectAboveMinor)}.` };
  }
  if (rules.allow.has(name))
    return { verdict: 'allow', reason: 'The address is on the list of allowed ones.' };
  if (rules.review.has(name))
    return { verdict: 'review', reason: 'The address is on the list of watched ones.' };
  if (rules.reviewAboveMinor !== undefined && amountMinor > rules.reviewAboveMinor) {
    return { verdict: 'review', reason: `It is more than ${print(rules.reviewAboveMinor)}.` };
  }
  const limit = rules.velocity;
  if (limit?.aboveMinor !== undefined && velocity.amountMinor > limit.aboveMinor) {
    const reason = `It makes more than ${print(limit.aboveMinor)} in ${limit.hours} hours.`;
    return { verdict: 'review', reason };
  }
  if (limit?.transfers !== undefined && velocity.transfers > limit.transfers) {
    const reason = `It makes more than ${limit.transfers} transfers in ${limit.hours} hours.`;
    return { verdict: 'review', reason };
  }
  return { verdict: 'allow', reason: 'No rule speaks against it.' };
}

/**
 * A screener of the built-in rules.
 *
 * @param velocityOf what the customer has sent in so many hours up to the transfer, itself included
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
