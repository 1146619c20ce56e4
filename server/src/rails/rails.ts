import { type AccountRail, type AccountType, accountTypeNames, factsOf } from './account-types.ts';
import type { FiatCode } from './fiat.ts';

/** The kind of the account's owner. */
export type OwnerType = 'individual' | 'business';

/** The rule of a payment's reference. */
interface ReferenceFacts {
  /** In characters. */
  readonly maxLength: number;
  /** Source of a JSON Schema `pattern`. */
  readonly pattern: string;
  /** The characters that the pattern allows, in words. */
  readonly description: string;
}

interface OwnFacts {
  readonly reference: ReferenceFacts;
  /** Smallest and largest payment in minor units of the rail's one currency. */
  readonly minMinor?: bigint;
  readonly maxMinor?: bigint | Readonly<Record<OwnerType, bigint>>;
}

function text(maxLength: number): ReferenceFacts {
  return {
    maxLength,
    pattern: '^[^\\u0000-\\u001f\\u007f-\\u009f]*$',
    description: 'any characters but control characters',
  };
}

function lettersDigitsSpace(maxLength: number): ReferenceFacts {
  return { maxLength, pattern: '^[A-Za-z0-9 ]*$', description: 'letters, digits and spaces' };
}

const million = 1_000_000n * 100n;

const ownFacts = {
  ach: { reference: lettersDigitsSpace(10), minMinor: 1_00n },
  ach_same_day: { reference: lettersDigitsSpace(10), maxMinor: million },
  // Four lines of 35.
  wire: { reference: text(140) },
  rtp: { reference: text(140), maxMinor: 10n * million },
  fednow: { reference: text(140), maxMinor: 10n * million },
  sepa: {
    reference: {
      maxLength: 140,
      pattern: '^[A-Za-z0-9 &./-]*$',
      description: 'letters, digits, spaces and & - . /',
    },
  },
  faster_payments: { reference: text(18), maxMinor: million },
  spei: { reference: lettersDigitsSpace(40), minMinor: 50_00n },
  pix: { reference: text(100), minMinor: 10_00n },
  swift: {
    reference: {
      maxLength: 140,
      pattern: "^[A-Za-z0-9/?:().,'+ -]*$",
      description: "letters, digits, spaces and / - ? : ( ) . , ' +",
    },
  },
  nip: { reference: text(100), maxMinor: { individual: 5n * million, business: 10n * million } },
  ghipss: { reference: text(100) },
  mobile_money: { reference: text(100) },
} as const satisfies Record<AccountRail, OwnFacts>;

/** A payment rail between banks. */
export type Rail = keyof typeof ownFacts;

export const railNames = Object.keys(ownFacts) as Rail[];

export function isRail(text: string): text is Rail {
  return Object.hasOwn(ownFacts, text);
}

/** The facts of a rail. */
export interface RailFacts {
  readonly currencies: readonly FiatCode[];
  readonly accountTypes: readonly AccountType[];
  readonly reference: ReferenceFacts;
  /** The smallest payment in minor units, at least 1. */
  minMinor(currency: FiatCode): bigint;
  /** The largest payment in minor units; undefined if the rail has no limit. */
  maxMinor(currency: FiatCode, ownerType: OwnerType): bigint | undefined;
}

const facts = Object.fromEntries(railNames.map((rail) => [rail, factsAbout(rail)])) as Record<
  Rail,
  RailFacts
>;

/** The facts of a rail. Its account types and currencies come from `account-types.ts`. */
export function railFacts(rail: Rail): RailFacts {
  return facts[rail];
}

function factsAbout(rail: Rail): RailFacts {
  const accountTypes = accountTypeNames.filter((type) => factsOf(type).rails.includes(rail));
  const { reference, minMinor = 1n, maxMinor }: OwnFacts = ownFacts[rail];
  return {
    currencies: [...new Set(accountTypes.flatMap((type) => factsOf(type).currencies))],
    accountTypes,
    reference,
    minMinor: () => minMinor,
    maxMinor: (_currency, ownerType) => (typeof maxMinor === 'object' ? maxMinor[ownerType] : maxMinor),
  };
}

/** @returns the fault of a payment's reference; undefined if the rail accepts it */
export function checkReference(rail: Rail, text: string): string | undefined {
  const { maxLength, pattern, description } = railFacts(rail).reference;
  // Counts code points, as JSON Schema does, not UTF-16 units.
  if ([...text].length > maxLength)
    return `A reference for ${rail} must have at most ${maxLength} characters.`;
  if (new RegExp(pattern, 'u').test(text)) return undefined;
  return `A reference for ${rail} must have only ${description}.`;
}
