import Type, { type Static } from 'typebox';
import { ConfigError } from '../platform/config.ts';
import { currencyScale, parseAmount, parseRatio, type Ratio } from '../platform/money.ts';
import { type EvmFeeDefaults, type FeeDefaults, feeDefaults } from './fee-defaults.ts';
import { type Chain, type ChainFamily, chainFamily, nativeScale } from './registry.ts';

/** Fees on EVM chains, in wei per unit of gas. */
export interface GasPolicy {
  /** The maximum price, base fee and tip together. Above it payments wait. */
  readonly maxFeeWei: bigint;
  /** The minimum tip for the block's producer. */
  readonly priorityFeeWei: bigint;
  /** The maximum tip, whatever the nodes suggest. */
  readonly maxPriorityFeeWei: bigint;
  /** The least base fee that the chain can have. */
  readonly baseFloorWei: bigint;
  /** Whether the chain charges for its data on Ethereum beside the gas (OP Stack). */
  readonly hasL1Fee: boolean;
  /** After this time a transaction that its price keeps out of the blocks is replaced at a higher fee. */
  readonly bumpAfterMs: number;
}

/** Fees on Solana, in micro-lamports per compute unit. */
export interface PriorityPolicy {
  readonly priorityMicroLamports: bigint;
  /** The maximum, whatever others pay. */
  readonly maxPriorityMicroLamports: bigint;
}

/** Fees on Tron. */
export interface EnergyPolicy {
  /** The maximum that a call burns for energy that the treasury has not staked for. */
  readonly feeLimitSun: bigint;
}

/** The limits of a signer in this process on one chain. Native amounts are in the coin's smallest unit. */
export interface SigningLimits {
  readonly perTransferMinor: bigint;
  /** Per token and day, in UTC. */
  readonly perDayMinor: bigint;
  /** No transaction that may cost more is prepared, whoever signs. */
  readonly maxFeeNative: bigint;
  readonly nativePerDay: bigint;
  /** What the transfers of one customer may cost per day, in UTC. It is the server that keeps it, whoever signs. */
  readonly nativePerCustomer: bigint;
  /** Solana and Tron: the least time between two signatures for one payment; undefined for the default. */
  readonly signAgainAfterMs: number | undefined;
}

/** What moving deposits to the treasury may cost. */
export interface SweepPolicy {
  /** The maximum cost, as a share of the amount that is moved. */
  readonly costShare: Ratio;
  /** The maximum native coin for sweeps per day, in UTC; in the coin's smallest unit. */
  readonly nativePerDay: bigint;
  /** US dollars per native coin, with which the cost is computed. */
  readonly nativeUsd: Ratio;
}

/** Reports an invalid field of a chain's entry. */
export type Report = (field: string, message: string) => void;

const closed = { additionalProperties: false } as const;
const whole = (minimum: number, maximum: number) => Type.Integer({ minimum, maximum });
const native = Type.String({ pattern: '^[0-9]{1,12}(\\.[0-9]{1,18})?$' });
const percent = Type.String({ pattern: '^(?:100|[0-9]{1,2})(?:\\.[0-9]{1,4})?$' });
export const decimal = Type.String({ pattern: '^[0-9]{1,12}(\\.[0-9]{1,9})?$' });

/** The fields of a chain's entry that limit what leaves the treasury, and what that costs. */
export const FeeFields = {
  sweeps: Type.Optional(
    Type.Object({ maxCostPercent: Type.Optional(percent), nativePerDay: Type.Optional(native) }, closed),
  ),
  signing: Type.Optional(
    Type.Object(
      {
        perTransfer: Type.Optional(decimal),
        perDay: Type.Optional(decimal),
        maxFee: Type.Optional(native),
        nativePerDay: Type.Optional(native),
        nativePerCustomer: Type.Optional(native),
        signAgainAfterMs: Type.Optional(whole(0, 86_400_000)),
      },
      closed,
    ),
  ),
  gas: Type.Optional(
    Type.Object(
      {
        maxFeeGwei: Type.Optional(decimal),
        priorityFeeGwei: Type.Optional(decimal),
        maxPriorityFeeGwei: Type.Optional(decimal),
        bumpAfterMs: Type.Optional(whole(100, 86_400_000)),
        priorityMicroLamports: Type.Optional(whole(0, 1_000_000_000)),
        maxPriorityMicroLamports: Type.Optional(whole(0, 1_000_000_000)),
        feeLimit: Type.Optional(decimal),
        nativeUsd: Type.Optional(decimal),
      },
      closed,
    ),
  ),
};
type GasFile = NonNullable<Static<typeof FeeFields.gas>>;
type SigningFile = NonNullable<Static<typeof FeeFields.signing>>;
type SweepFile = NonNullable<Static<typeof FeeFields.sweeps>>;

function defaultsOf(chain: Chain): FeeDefaults {
  const found = feeDefaults[chain];
  if (!found) throw new ConfigError(`${chain} has no default fees`);
  return found;
}

/** Reads the limits of the signer in this process. */
export function readSigning(chain: Chain, file: SigningFile, report: Report): SigningLimits {
  const { maxFee, nativePerDay } = defaultsOf(chain);
  if (chainFamily(chain) === 'evm' && file.signAgainAfterMs !== undefined)
    report('signing/signAgainAfterMs', 'Must be omitted: transactions on EVM chains do not expire.');
  const nativeDay = nativeOf(chain, 'signing/nativePerDay', file.nativePerDay ?? nativePerDay, report);
  const { nativePerCustomer } = file;
  return {
    perTransferMinor: minorOf('signing/perTransfer', file.perTransfer ?? '1000000', report),
    perDayMinor: minorOf('signing/perDay', file.perDay ?? '10000000', report),
    maxFeeNative: nativeOf(chain, 'signing/maxFee', file.maxFee ?? maxFee, report),
    nativePerDay: nativeDay,
    // A tenth of the day: no customer can use it up for the others.
    nativePerCustomer:
      nativePerCustomer === undefined
        ? nativeDay / 10n
        : nativeOf(chain, 'signing/nativePerCustomer', nativePerCustomer, report),
    signAgainAfterMs: file.signAgainAfterMs,
  };
}

/**
 * Reads what sweeps may cost: 2 % of what they move, and a quarter of the day's native coin, by default.
 *
 * @param nativeUsd the configured price of a native coin; the chain's assumed one if it is undefined
 */
export function readSweeps(
  chain: Chain,
  file: SweepFile,
  { nativePerDay }: Pick<SigningLimits, 'nativePerDay'>,
  nativeUsd: Ratio | undefined,
  report: Report,
): SweepPolicy {
  const share = parseRatio(file.maxCostPercent ?? '2');
  return {
    costShare: { numerator: share.numerator, denominator: share.denominator * 100n },
    nativePerDay:
      file.nativePerDay === undefined
        ? nativePerDay / 4n
        : nativeOf(chain, 'sweeps/nativePerDay', file.nativePerDay, report),
    nativeUsd: nativeUsd ?? parseRatio(defaultsOf(chain).assumedNativeUsd),
  };
}

const gasFields = {
  evm: ['maxFeeGwei', 'priorityFeeGwei', 'maxPriorityFeeGwei', 'bumpAfterMs'],
  solana: ['priorityMicroLamports', 'maxPriorityMicroLamports'],
  tron: ['feeLimit'],
} as const satisfies Record<ChainFamily, readonly (keyof GasFile)[]>;

/** The fees of a chain, by its family. */
export type FeePolicy =
  | { readonly family: 'evm'; readonly gas: GasPolicy }
  | { readonly family: 'solana'; readonly gas: PriorityPolicy }
  | { readonly family: 'tron'; readonly gas: EnergyPolicy };

/** Reads the fees of a chain. */
export function readFees(chain: Chain, file: GasFile, report: Report): FeePolicy {
  const family = chainFamily(chain);
  const known: readonly string[] = [...gasFields[family], 'nativeUsd'];
  for (const name of Object.keys(file)) {
    if (!known.includes(name)) report(`gas/${name}`, `Unknown field. ${chain} has ${known.join(', ')}.`);
  }
  switch (family) {
    case 'evm': {
      const { evm } = defaultsOf(chain);
      if (!evm) throw new ConfigError(`${chain} has no default gas prices`);
      return { family, gas: readGas(evm, file, report) };
    }
    case 'solana': {
      const priorityMicroLamports = BigInt(file.priorityMicroLamports ?? 10_000);
      const given = file.maxPriorityMicroLamports;
      const maxPriorityMicroLamports =
        given === undefined ? larger(1_000_000n, 2n * priorityMicroLamports) : BigInt(given);
      if (maxPriorityMicroLamports < priorityMicroLamports)
        report('gas/maxPriorityMicroLamports', 'Must be at least priorityMicroLamports.');
      return { family, gas: { priorityMicroLamports, maxPriorityMicroLamports } };
    }
    case 'tron':
      return {
        family,
        gas: { feeLimitSun: nativeOf(chain, 'gas/feeLimit', file.feeLimit ?? '60', report) },
      };
  }
}

function readGas(defaults: EvmFeeDefaults, file: GasFile, report: Report): GasPolicy {
  const gwei = (field: string, text: string): bigint => amountOf(`gas/${field}`, text, 9, report);
  const maxFeeWei = gwei('maxFeeGwei', file.maxFeeGwei ?? defaults.maxFeeGwei);
  const priorityFeeWei = gwei('priorityFeeGwei', file.priorityFeeGwei ?? defaults.tipFloorGwei);
  const tipCapWei = gwei('maxPriorityFeeGwei', file.maxPriorityFeeGwei ?? defaults.tipCapGwei);
  const isGiven = file.maxPriorityFeeGwei !== undefined;
  // The default leaves room for replacements.
  const maxPriorityFeeWei = isGiven ? tipCapWei : larger(tipCapWei, 2n * priorityFeeWei);
  if (maxPriorityFeeWei < priorityFeeWei) {
    report('gas/maxPriorityFeeGwei', 'Must be at least priorityFeeGwei.');
  }
  if (maxFeeWei < priorityFeeWei) report('gas/maxFeeGwei', 'Must be at least priorityFeeGwei.');
  const baseFloorWei = gwei('baseFloorGwei', defaults.baseFloorGwei);
  const bumpAfterMs = file.bumpAfterMs ?? 120_000;
  const { hasL1Fee } = defaults;
  return { maxFeeWei, priorityFeeWei, maxPriorityFeeWei, baseFloorWei, hasL1Fee, bumpAfterMs };
}

function nativeOf(chain: Chain, field: string, coins: string, report: Report): bigint {
  return amountOf(field, coins, nativeScale[chainFamily(chain)], report);
}

/** Parses an amount of a stablecoin. Every stablecoin has six decimals. */
export function minorOf(field: string, text: string, report: Report): bigint {
  return amountOf(field, text, currencyScale.usdc, report);
}

function amountOf(field: string, text: string, scale: number, report: Report): bigint {
  const parsed = parseAmount(text, scale);
  if (!parsed.ok) report(field, `Must have at most ${scale} decimals.`);
  return parsed.ok ? parsed.minor : 0n;
}

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
