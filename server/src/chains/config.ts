import { readFileSync } from 'node:fs';
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import Type, { type Static } from 'typebox';
import { ConfigError } from '../platform/config.ts';
import { isPrivateUrl } from '../platform/loopback.ts';
import { parseRatio, type Ratio } from '../platform/money.ts';
import { checkAddress } from './addresses.ts';
import {
  decimal,
  type EnergyPolicy,
  FeeFields,
  type GasPolicy,
  minorOf,
  type PriorityPolicy,
  type Report,
  readFees,
  readSigning,
  readSweeps,
  type SigningLimits,
  type SweepPolicy,
} from './fee-config.ts';
import { type ChainDefaults, chainDefaults, type Finality, type NetworkKind, networks } from './networks.ts';
import {
  type Chain,
  type ChainFamily,
  chainFamily,
  currenciesOn,
  isChain,
  type Stablecoin,
} from './registry.ts';
import { programs, type TokenProgram } from './solana/programs.ts';

/** A configured token. */
export interface Token {
  readonly currency: Stablecoin;
  readonly address: string;
  /** Whether the token is the issuer's own or trusted by the operator: its events count if nodes do not have the balances behind them. */
  readonly isKnown: boolean;
  /** Solana: the program that owns the token's accounts. */
  readonly program: TokenProgram | undefined;
}

/** The configuration that all families have. */
interface CommonConfig {
  readonly chain: Chain;
  readonly networkId: string;
  readonly rpcUrls: readonly string[];
  readonly tokens: readonly Token[];
  readonly finality: Finality;
  /** How many blocks confirm a block, itself included. With another `finality` than `confirmations`, the least. */
  readonly confirmations: number;
  readonly pollMs: number;
  readonly blockRange: number;
  /** How many nodes must agree before a deposit is credited or a payment ends; the majority of `rpcUrls` by default. */
  readonly agreement: number;
  /** The first block to scan; by default the newest block at the first start. */
  readonly startBlock: number | undefined;
  /** A larger difference between books and chain that nothing explains holds payments; undefined for none. */
  readonly maxDifferenceMinor: bigint | undefined;
  /** Smaller deposits are not credited. */
  readonly minDepositMinor: bigint;
  /** Smaller transfers are refused; undefined for those whose fee does not cover what the network charges. */
  readonly minTransferMinor: bigint | undefined;
  /** Solana: what the sender is charged if the receiver has no token account; undefined for its cost at `nativeUsd`. */
  readonly accountFeeMinor: bigint | undefined;
  /** Whether to record transfers of other tokens for the operator. */
  readonly watchUnlisted: boolean;
  /** The minimum balance that is swept into the treasury; undefined for no sweeps. */
  readonly sweepFromMinor: bigint | undefined;
  readonly sweeps: SweepPolicy;
  /** US dollars per native coin, used to compute `gasFee`; without it `gasFee` is null. */
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

/** The configuration of one chain. */
export type ChainConfig = EvmConfig | SolanaConfig | TronConfig;

const closed = { additionalProperties: false } as const;
const whole = (minimum: number, maximum: number) => Type.Integer({ minimum, maximum });

const ChainFile = Type.Object(
  {
    rpc: Type.Array(Type.String({ pattern: '^https?://[^\\s]+$' }), { minItems: 1, maxItems: 8 }),
    network: Type.Optional(Type.Enum(['mainnet', 'testnet'])),
    networkId: Type.Optional(Type.String({ pattern: '^[0-9A-Za-z]{1,64}$' })),
    tokens: Type.Optional(Type.Record(Type.String(), Type.Union([Type.String(), Type.Null()]))),
    trustTokens: Type.Optional(Type.Boolean()),
    finality: Type.Optional(Type.Enum(['finalized', 'safe', 'confirmations'])),
    confirmations: Type.Optional(whole(1, 10_000)),
    pollMs: Type.Optional(whole(50, 600_000)),
    blockRange: Type.Optional(whole(1, 100_000)),
    agreement: Type.Optional(whole(1, 8)),
    startBlock: Type.Optional(whole(0, Number.MAX_SAFE_INTEGER)),
    maxDifference: Type.Optional(Type.Union([decimal, Type.Null()])),
    minDeposit: Type.Optional(decimal),
    minTransfer: Type.Optional(decimal),
    accountFee: Type.Optional(decimal),
    watchUnlisted: Type.Optional(Type.Boolean()),
    sweepFrom: Type.Optional(Type.Union([decimal, Type.Null()])),
    ...FeeFields,
  },
  closed,
);
type ChainFile = Static<typeof ChainFile>;

const validate = new Ajv2020({ allErrors: true, strict: false }).compile<ChainFile>(ChainFile);

/**
 * Reads the configuration of the chains: a JSON object with one member per chain.
 *
 * @throws ConfigError that lists every invalid field with its rule. It never contains values, because the URL of a node may contain a key.
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

/** Parses a configuration. @returns the chains, or every fault */
export function parseChains(text: string): { chains: ChainConfig[] } | { faults: string[] } {
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch {
    return { faults: ['Must be valid JSON.'] };
  }
  if (typeof file !== 'object' || file === null || Array.isArray(file)) {
    return { faults: ['Must be a JSON object with one member per chain.'] };
  }
  const faults: string[] = [];
  const chains: ChainConfig[] = [];
  for (const [name, entry] of Object.entries(file)) {
    if (!isChain(name) || !networks[name]) {
      faults.push(`/${name}: Must be one of ${Object.keys(networks).join(', ')}.`);
    } else if (!validate(entry)) {
      faults.push(...(validate.errors ?? []).filter(isSpecific).map((error) => faultText(name, error)));
    } else {
      const before = faults.length;
      const config = toConfig(name, entry, (field, message) => faults.push(`/${name}/${field}: ${message}`));
      if (faults.length === before) chains.push(config);
    }
  }
  if (faults.length === 0 && chains.length === 0) faults.push('Must contain at least one chain.');
  return faults.length > 0 ? { faults } : { chains };
}

/** Errors that only wrap other errors are omitted. */
function isSpecific({ keyword }: ErrorObject): boolean {
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
  if (additionalProperty !== undefined) return `${path}: Unknown field.`;
  if (missingProperty !== undefined) return `${path}: Required.`;
  if (allowedValues) return `${path}: Must be one of ${allowedValues.join(', ')}.`;
  return `${path}: ${message}.`;
}

function toConfig(chain: Chain, file: ChainFile, report: Report): ChainConfig {
  const kind: NetworkKind = file.network ?? 'mainnet';
  const known = networks[chain]?.[kind];
  const defaults = chainDefaults[chain];
  if (!known || !defaults) throw new ConfigError(`${chain} has no defaults`);
  const networkId = file.networkId ?? known.id;
  const isKnownNetwork = networkId === known.id;
  if (chainFamily(chain) === 'evm' && !/^[1-9][0-9]{0,14}$/.test(networkId)) {
    report('networkId', 'Must be the chain id, such as 1 for Ethereum.');
  }
  if (chainFamily(chain) === 'tron' && !/^[0-9a-f]{64}$/.test(networkId)) {
    report('networkId', 'Must be the id of the first block, 64 hexadecimal digits.');
  }
  if (!isKnownNetwork && file.network)
    report('networkId', `Must be ${known.id} for the ${kind} of ${chain}.`);
  if (chainFamily(chain) === 'solana') {
    const isHash = /^[1-9A-HJ-NP-Za-km-z]{32,44}$/.test(networkId);
    if (!isHash) report('networkId', 'Must be the hash of the genesis block, in base58.');
    if ((file.confirmations ?? 1) !== 1)
      report('confirmations', 'Must be omitted: only finalized blocks are read on Solana.');
  }
  const agreement = file.agreement ?? majorityOf(file.rpc.length);
  if (agreement > file.rpc.length) report('agreement', 'Must not exceed the number of nodes under rpc.');
  file.rpc.forEach((url, index) => {
    const isPrivate = URL.canParse(url) && isPrivateUrl(new URL(url));
    if (!isPrivate) report(`rpc/${index}`, 'Must be an https URL, or an http URL of a loopback host.');
  });
  if (chainFamily(chain) !== 'solana' && file.accountFee !== undefined)
    report('accountFee', 'Must be omitted: only on Solana do receivers need an account for each token.');
  const minDepositMinor = minorOf('minDeposit', file.minDeposit ?? '0.01', report);
  const sweepFrom = file.sweepFrom === undefined ? '1' : file.sweepFrom;
  const nativeUsd = file.gas?.nativeUsd === undefined ? undefined : parseRatio(file.gas.nativeUsd);
  const signing = readSigning(chain, file.signing ?? {}, report);
  const common = {
    chain,
    networkId,
    rpcUrls: file.rpc,
    tokens: readTokens(chain, file, isKnownNetwork ? known.tokens : {}, report),
    ...readFinality(chainFamily(chain), file, defaults, report),
    pollMs: file.pollMs ?? defaults.pollMs,
    blockRange: file.blockRange ?? defaults.blockRange,
    agreement,
    startBlock: file.startBlock,
    maxDifferenceMinor:
      file.maxDifference === null ? undefined : minorOf('maxDifference', file.maxDifference ?? '1', report),
    minDepositMinor: minDepositMinor > 0n ? minDepositMinor : 1n,
    minTransferMinor:
      file.minTransfer === undefined ? undefined : minorOf('minTransfer', file.minTransfer, report),
    accountFeeMinor:
      file.accountFee === undefined ? undefined : minorOf('accountFee', file.accountFee, report),
    watchUnlisted: file.watchUnlisted ?? true,
    sweepFromMinor: sweepFrom === null ? undefined : minorOf('sweepFrom', sweepFrom, report),
    sweeps: readSweeps(chain, file.sweeps ?? {}, signing, nativeUsd, report),
    nativeUsd,
    signing,
  };
  return { ...common, ...readFees(chain, file.gas ?? {}, report) };
}

/** A number of confirmations alone is what makes a block final; beside a tag it is required too. */
function readFinality(
  family: ChainFamily,
  file: ChainFile,
  defaults: ChainDefaults,
  report: Report,
): Pick<CommonConfig, 'finality' | 'confirmations'> {
  const { confirmations } = file;
  const finality = file.finality ?? (confirmations === undefined ? defaults.finality : 'confirmations');
  if (family === 'solana') {
    if (file.finality !== undefined && finality !== 'finalized') {
      report('finality', 'Must be omitted: only finalized blocks are read on Solana.');
    }
    return { finality: 'finalized', confirmations: 1 };
  }
  if (family === 'tron' && finality === 'safe')
    report('finality', 'Must be finalized or confirmations on Tron.');
  const byDefault = finality === 'confirmations' ? defaults.confirmations : 1;
  return { finality, confirmations: confirmations ?? byDefault };
}

/** How many of so many nodes are more than half. */
export function majorityOf(nodes: number): number {
  return Math.floor(nodes / 2) + 1;
}

/** PYUSD is issued with Token-2022, all other tokens with the original program. */
function programOf(currency: Stablecoin): TokenProgram {
  return currency === 'pyusd' ? programs.token2022 : programs.token;
}

const unmeasured =
  "Must be the issuer's own contract, or trustTokens must be set: Tron nodes cannot measure what a contract transfers.";

function readTokens(
  chain: Chain,
  file: ChainFile,
  known: Readonly<Partial<Record<Stablecoin, string>>>,
  report: Report,
): Token[] {
  const given = file.tokens ?? {};
  for (const name of Object.keys(given)) {
    if ((currenciesOn(chain) as readonly string[]).includes(name)) continue;
    report(`tokens/${name}`, `Must be one of ${currenciesOn(chain).join(', ')} on ${chain}.`);
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
  if (tokens.length === 0) report('tokens', 'Must contain at least one token.');
  if (new Set(tokens.map(({ address }) => address)).size < tokens.length) {
    report('tokens', 'Addresses must be different.');
  }
  return tokens;
}
