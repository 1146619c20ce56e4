import { readFileSync } from 'node:fs';
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import Type, { type Static } from 'typebox';
import { ConfigError } from '../platform/config.ts';
import { isPrivateUrl } from '../platform/loopback.ts';
import { currencyScale, parseAmount, parseRatio, type Ratio } from '../platform/money.ts';
import { checkAddress } from './addresses.ts';
import { chainDefaults, type NetworkKind, networks } from './networks.ts';
import {
  type Chain,
  type ChainFamily,
  chainFamily,
  currenciesOn,
  isChain,
  type Stablecoin,
} from './registry.ts';
import { programs, type TokenProgram } from './solana/programs.ts';

/** How much may be paid for a place in a block of an EVM chain. Amounts are in wei. */
export interface GasPolicy {
  /** Above this price for a unit of gas nothing is sent: it waits. */
  readonly maxFeeWei: bigint;
  /** What the block's maker is given for a unit, at least. */
  readonly priorityFeeWei: bigint;
  /** After so long without a place in a block the same payment is offered at a higher fee. */
  readonly bumpAfterMs: number;
}

/** How much may be paid for a place in a block of Solana. */
export interface PriorityPolicy {
  /** For a unit of compute. */
  readonly priorityMicroLamports: bigint;
}

/** How much a contract may use up on Tron. */
export interface EnergyPolicy {
  /** In sun, burned for energy that the treasury has not staked for. */
  readonly feeLimitSun: bigint;
}

/** What a signer inside the server may sign on a chain. Native amounts are in the coin's smallest unit. */
export interface SigningLimits {
  readonly perTransferMinor: bigint;
  /** Of each token, in a day of UTC. */
  readonly perDayMinor: bigint;
  readonly maxFeeNative: bigint;
  readonly nativePerDay: bigint;
}

/** A token that is watched and sent. */
export interface Token {
  readonly currency: Stablecoin;
  readonly address: string;
  /**
   * Whether it is the issuer's own, as shipped, or the operator trusts it: its events can be believed when the state behind
   * them is gone, or was never to be had.
   */
  readonly isKnown: boolean;
  /** Solana: the program that keeps the token's accounts. */
  readonly program: TokenProgram | undefined;
}

/** What every family has. */
interface CommonConfig {
  readonly chain: Chain;
  readonly networkId: string;
  readonly rpcUrls: readonly string[];
  readonly tokens: readonly Token[];
  readonly confirmations: number;
  readonly pollMs: number;
  readonly blockRange: number;
  /** How many nodes must say the same before a deposit is credited. */
  readonly agreement: number;
  /** The first block that is read; the newest one at the first start when left out. */
  readonly startBlock: number | undefined;
  /** Smaller deposits are not credited. */
  readonly minDepositMinor: bigint;
  /** Whether transfers of other tokens are looked for, to be shown to the operator. */
  readonly watchUnlisted: boolean;
  /** Deposits of this much at least are moved into the treasury; undefined to leave them where they are. */
  readonly sweepFromMinor: bigint | undefined;
  /** US dollars for one native coin: what `gasFee` is worked out by. Without it `gasFee` stays null. */
  readonly nativeUsd: Ratio | undefined;
  readonly signing: SigningLimits;
}

export interface EvmConfig extends CommonConfig {
  readonly family: 'evm';
  readonly gas: GasPolicy;
}

export interface SolanaConfig extends CommonConfig {
  readonly family: 'solana';
  readonly gas: PriorityPolicy;
}

export interface TronConfig extends CommonConfig {
  readonly family: 'tron';
  readonly gas: EnergyPolicy;
}

/** One chain, as it is to be used. */
export type ChainConfig = EvmConfig | SolanaConfig | TronConfig;

const closed = { additionalProperties: false } as const;
const decimal = Type.String({ pattern: '^[0-9]{1,12}(\\.[0-9]{1,9})?$' });
const native = Type.String({ pattern: '^[0-9]{1,12}(\\.[0-9]{1,18})?$' });
const whole = (minimum: number, maximum: number) => Type.Integer({ minimum, maximum });

const ChainFile = Type.Object(
  {
    rpc: Type.Array(Type.String({ pattern: '^https?://[^\\s]+$' }), { minItems: 1, maxItems: 8 }),
    network: Type.Optional(Type.Enum(['mainnet', 'testnet'])),
    networkId: Type.Optional(Type.String({ pattern: '^[0-9A-Za-z]{1,64}$' })),
    tokens: Type.Optional(Type.Record(Type.String(), Type.Union([Type.String(), Type.Null()]))),
    trustTokens: Type.Optional(Type.Boolean()),
    confirmations: Type.Optional(whole(1, 10_000)),
    pollMs: Type.Optional(whole(50, 600_000)),
    blockRange: Type.Optional(whole(1, 100_000)),
    agreement: Type.Optional(whole(1, 8)),
    startBlock: Type.Optional(whole(0, Number.MAX_SAFE_INTEGER)),
    minDeposit: Type.Optional(decimal),
    watchUnlisted: Type.Optional(Type.Boolean()),
    sweepFrom: Type.Optional(Type.Union([decimal, Type.Null()])),
    signing: Type.Optional(
      Type.Object(
        {
          perTransfer: Type.Optional(decimal),
          perDay: Type.Optional(decimal),
          maxFee: Type.Optional(native),
          nativePerDay: Type.Optional(native),
        },
        closed,
      ),
    ),
    gas: Type.Optional(
      Type.Object(
        {
          maxFeeGwei: Type.Optional(decimal),
          priorityFeeGwei: Type.Optional(decimal),
          bumpAfterMs: Type.Optional(whole(100, 86_400_000)),
          priorityMicroLamports: Type.Optional(whole(0, 1_000_000_000)),
          feeLimit: Type.Optional(decimal),
          nativeUsd: Type.Optional(decimal),
        },
        closed,
      ),
    ),
  },
  closed,
);
type ChainFile = Static<typeof ChainFile>;

const validate = new Ajv2020({ allErrors: true, strict: false }).compile<ChainFile>(ChainFile);

/**
 * Reads the configuration of the chains: a JSON object with one member for each chain that is used.
 *
 * @throws ConfigError naming the file, and every field at fault with what would fit; values are never repeated, since
 *   the URL of a node may hold a key
 */
export function readChainsFile(path: string): ChainConfig[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new ConfigError(`--chains-file: cannot read ${path}: ${(cause as NodeJS.ErrnoException).code}`);
  }
  const read = parseChains(text);
  if ('faults' in read) throw new ConfigError(`--chains-file: ${path}:\n  ${read.faults.join('\n  ')}`);
  return read.chains;
}

/** The chains that a configuration names, or every fault in it. */
export function parseChains(text: string): { chains: ChainConfig[] } | { faults: string[] } {
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch {
    return { faults: ['It is no valid JSON.'] };
  }
  if (typeof file !== 'object' || file === null || Array.isArray(file)) {
    return { faults: ['It must be a JSON object with one member for each chain.'] };
  }
  const faults: string[] = [];
  const chains: ChainConfig[] = [];
  for (const [name, entry] of Object.entries(file)) {
    if (!isChain(name) || !networks[name]) {
      faults.push(`/${name}: There is no such chain to configure. Give ${Object.keys(networks).join(', ')}.`);
    } else if (!validate(entry)) {
      faults.push(...(validate.errors ?? []).filter(isTelling).map((error) => faultText(name, error)));
    } else {
      const before = faults.length;
      const config = toConfig(name, entry, (field, message) => faults.push(`/${name}/${field}: ${message}`));
      if (faults.length === before) chains.push(config);
    }
  }
  if (faults.length === 0 && chains.length === 0) faults.push('It names no chain.');
  return faults.length > 0 ? { faults } : { chains };
}

/** What wraps other errors says nothing new. */
function isTelling({ keyword }: ErrorObject): boolean {
  return keyword !== 'anyOf';
}

function faultText(chain: string, { instancePath, message, params }: ErrorObject): string {
  const { additionalProperty, allowedValues, missingProperty } = params as {
    additionalProperty?: string;
    allowedValues?: string[];
    missingProperty?: string;
  };
  const property = additionalProperty ?? missingProperty;
  const path = `/${chain}${instancePath}${property === undefined ? '' : `/${property}`}`;
  if (additionalProperty !== undefined) return `${path}: There is no such field.`;
  if (missingProperty !== undefined) return `${path}: It is required.`;
  if (allowedValues) return `${path}: Give one of ${allowedValues.join(', ')}.`;
  return `${path}: It ${message}.`;
}

type Report = (field: string, message: string) => void;

function toConfig(chain: Chain, file: ChainFile, report: Report): ChainConfig {
  const kind: NetworkKind = file.network ?? 'mainnet';
  const known = networks[chain]?.[kind];
  const defaults = chainDefaults[chain];
  if (!known || !defaults) throw new ConfigError(`${chain} has no defaults`);
  const networkId = file.networkId ?? known.id;
  const isKnownNetwork = networkId === known.id;
  if (chainFamily(chain) === 'evm' && !/^[1-9][0-9]{0,14}$/.test(networkId)) {
    report('networkId', 'Give the chain id, such as 1 for Ethereum.');
  }
  if (chainFamily(chain) === 'tron' && !/^[0-9a-f]{64}$/.test(networkId)) {
    report('networkId', 'Give the id of the first block, 64 hexadecimal digits.');
  }
  if (!isKnownNetwork && file.network) report('networkId', `The ${kind} of ${chain} has the id ${known.id}.`);
  if (chainFamily(chain) === 'solana') {
    const isHash = /^[1-9A-HJ-NP-Za-km-z]{32,44}$/.test(networkId);
    if (!isHash) report('networkId', 'Give the hash of the genesis, in base58.');
    if ((file.confirmations ?? 1) !== 1)
      report('confirmations', 'What is read of Solana is final: leave it out.');
  }
  const agreement = file.agreement ?? 1;
  if (agreement > file.rpc.length) report('agreement', 'It is larger than the number of nodes under rpc.');
  file.rpc.forEach((url, index) => {
    const isPrivate = URL.canParse(url) && isPrivateUrl(new URL(url));
    if (!isPrivate) report(`rpc/${index}`, 'It must be an https URL, or http to a host that is loopback.');
  });
  const minDepositMinor = minorOf('minDeposit', file.minDeposit ?? '0.01', report);
  const sweepFrom = file.sweepFrom === undefined ? '1' : file.sweepFrom;
  const common = {
    chain,
    networkId,
    rpcUrls: file.rpc,
    tokens: readTokens(chain, file, isKnownNetwork ? known.tokens : {}, report),
    confirmations: file.confirmations ?? defaults.confirmations,
    pollMs: file.pollMs ?? defaults.pollMs,
    blockRange: file.blockRange ?? defaults.blockRange,
    agreement,
    startBlock: file.startBlock,
    minDepositMinor: minDepositMinor > 0n ? minDepositMinor : 1n,
    watchUnlisted: file.watchUnlisted ?? true,
    sweepFromMinor: sweepFrom === null ? undefined : minorOf('sweepFrom', sweepFrom, report),
    nativeUsd: file.gas?.nativeUsd === undefined ? undefined : parseRatio(file.gas.nativeUsd),
    signing: readSigning(chainFamily(chain), file.signing ?? {}, report),
  };
  return withGas(common, file.gas ?? {}, report);
}

/** Decimal places of the native coins. */
export const nativeScale = { evm: 18, solana: 9, tron: 6 } as const satisfies Record<ChainFamily, number>;

const signingDefaults = {
  evm: { maxFee: '0.1', nativePerDay: '10' },
  solana: { maxFee: '0.01', nativePerDay: '10' },
  tron: { maxFee: '100', nativePerDay: '10000' },
} as const satisfies Record<ChainFamily, object>;

function readSigning(
  family: ChainFamily,
  file: NonNullable<ChainFile['signing']>,
  report: Report,
): SigningLimits {
  const { maxFee, nativePerDay } = signingDefaults[family];
  const nativeOf = (field: string, coins: string): bigint =>
    amountOf(`signing/${field}`, coins, nativeScale[family], report);
  return {
    perTransferMinor: minorOf('signing/perTransfer', file.perTransfer ?? '1000000', report),
    perDayMinor: minorOf('signing/perDay', file.perDay ?? '10000000', report),
    maxFeeNative: nativeOf('maxFee', file.maxFee ?? maxFee),
    nativePerDay: nativeOf('nativePerDay', file.nativePerDay ?? nativePerDay),
  };
}

const gasFields = {
  evm: ['maxFeeGwei', 'priorityFeeGwei', 'bumpAfterMs'],
  solana: ['priorityMicroLamports'],
  tron: ['feeLimit'],
} as const satisfies Record<ChainFamily, readonly (keyof NonNullable<ChainFile['gas']>)[]>;

function withGas(common: CommonConfig, file: NonNullable<ChainFile['gas']>, report: Report): ChainConfig {
  const family = chainFamily(common.chain);
  const known: readonly string[] = [...gasFields[family], 'nativeUsd'];
  for (const name of Object.keys(file)) {
    if (!known.includes(name)) report(`gas/${name}`, `On ${common.chain} there is ${known.join(', ')}.`);
  }
  switch (family) {
    case 'evm': {
      const maxFeeWei = amountOf('gas/maxFeeGwei', file.maxFeeGwei ?? '300', 9, report);
      const priorityFeeWei = amountOf('gas/priorityFeeGwei', file.priorityFeeGwei ?? '0.1', 9, report);
      const bumpAfterMs = file.bumpAfterMs ?? 120_000;
      return { ...common, family, gas: { maxFeeWei, priorityFeeWei, bumpAfterMs } };
    }
    case 'solana':
      return {
        ...common,
        family,
        gas: { priorityMicroLamports: BigInt(file.priorityMicroLamports ?? 10_000) },
      };
    case 'tron': {
      const feeLimitSun = amountOf('gas/feeLimit', file.feeLimit ?? '60', nativeScale.tron, report);
      return { ...common, family, gas: { feeLimitSun } };
    }
  }
}

/** PYUSD is issued with Token-2022, everything else with the first program. */
function programOf(currency: Stablecoin): TokenProgram {
  return currency === 'pyusd' ? programs.token2022 : programs.token;
}

const unmeasured =
  "Nodes of Tron cannot measure what a contract brings: give the issuer's own, or set trustTokens to believe this one.";

function readTokens(
  chain: Chain,
  file: ChainFile,
  known: Readonly<Partial<Record<Stablecoin, string>>>,
  report: Report,
): Token[] {
  const given = file.tokens ?? {};
  for (const name of Object.keys(given)) {
    if ((currenciesOn(chain) as readonly string[]).includes(name)) continue;
    report(`tokens/${name}`, `On ${chain} there is ${currenciesOn(chain).join(', ')}.`);
  }
  const trusts = file.trustTokens ?? false;
  const tokens = currenciesOn(chain).flatMap((currency): Token[] => {
    const address = Object.hasOwn(given, currency) ? given[currency] : known[currency];
    if (address === undefined || address === null) return [];
    const checked = checkAddress(chain, address);
    if (!checked.ok) report(`tokens/${currency}`, checked.fault);
    const isKnown = address === known[currency] || trusts;
    if (!isKnown && chainFamily(chain) === 'tron') report(`tokens/${currency}`, unmeasured);
    const program = chainFamily(chain) === 'solana' ? programOf(currency) : undefined;
    return [{ currency, address: checked.ok ? checked.address : '', isKnown, program }];
  });
  if (tokens.length === 0) report('tokens', 'It has no token: give the address of one contract at least.');
  if (new Set(tokens.map(({ address }) => address)).size < tokens.length) {
    report('tokens', 'Two of them have the same address.');
  }
  return tokens;
}

/** Every stablecoin has six decimals. */
function minorOf(field: string, text: string, report: Report): bigint {
  return amountOf(field, text, currencyScale.usdc, report);
}

function amountOf(field: string, text: string, scale: number, report: Report): bigint {
  const parsed = parseAmount(text, scale);
  if (!parsed.ok) report(field, `It has more than ${scale} decimals.`);
  return parsed.ok ? parsed.minor : 0n;
}
