import { checkAddress } from '../chains/addresses.ts';
import {
  type Chain,
  chainFamily,
  chains,
  currenciesOn,
  isChain,
  nativeScale,
  type Stablecoin,
} from '../chains/registry.ts';
import { programs, type TokenProgram } from '../chains/solana/programs.ts';
import { ConfigError } from '../platform/config.ts';
import { currencyScale, parseAmount } from '../platform/money.ts';
import type { ChainPolicy, SignerPolicy, TokenPolicy } from './policy.ts';

const tokenPrograms: Readonly<Record<string, TokenProgram>> = {
  token: programs.token,
  'token-2022': programs.token2022,
};

type Fields = Readonly<Record<string, unknown>>;
type Report = (path: string, message: string) => void;

/**
 * Parses a signer's policy: a JSON object with one member per allowed chain. Amounts are decimal strings.
 *
 * @throws ConfigError that lists every invalid field
 */
export function parsePolicy(text: string): SignerPolicy {
  const faults: string[] = [];
  const report: Report = (path, message) => faults.push(`${path}: ${message}`);
  const policy: Partial<Record<Chain, ChainPolicy>> = {};
  for (const [name, entry] of Object.entries(objectOf(json(text), '/', report))) {
    if (isChain(name)) policy[name] = readChain(name, objectOf(entry, `/${name}`, report), report);
    else report(`/${name}`, `Must be one of: ${chains.join(', ')}.`);
  }
  if (faults.length === 0 && Object.keys(policy).length === 0)
    report('/', 'Must contain at least one chain.');
  if (faults.length > 0) throw new ConfigError(`The policy is invalid:\n  ${faults.join('\n  ')}`);
  return policy;
}

function readChain(chain: Chain, fields: Fields, report: Report): ChainPolicy {
  const at = `/${chain}`;
  const isEvm = chainFamily(chain) === 'evm';
  const own = isEvm ? 'chainId' : 'signAgainAfterMs';
  known(fields, at, ['maxFee', 'nativePerDay', 'tokens', own], report);
  const { chainId, signAgainAfterMs } = fields;
  if (signAgainAfterMs !== undefined && !isTime(signAgainAfterMs))
    report(`${at}/signAgainAfterMs`, 'Must be an integer from 0 to 86400000.');
  const isId = Number.isSafeInteger(chainId) && (chainId as number) > 0;
  if (isEvm && !isId) report(`${at}/chainId`, 'Must be the chain id, such as 1 for Ethereum.');
  const scale = nativeScale[chainFamily(chain)];
  const tokens: Partial<Record<Stablecoin, TokenPolicy>> = {};
  for (const [name, entry] of Object.entries(objectOf(fields.tokens, `${at}/tokens`, report))) {
    const path = `${at}/tokens/${name}`;
    const currency = currenciesOn(chain).find((candidate) => candidate === name);
    if (!currency) report(path, `Must be one of: ${currenciesOn(chain).join(', ')}.`);
    else tokens[currency] = readToken(chain, objectOf(entry, path, report), path, report);
  }
  return {
    networkId: isEvm ? String(chainId) : '',
    maxFeeNative: amountOf(fields.maxFee, scale, `${at}/maxFee`, report),
    nativePerDay: amountOf(fields.nativePerDay, scale, `${at}/nativePerDay`, report),
    signAgainAfterMs: isTime(signAgainAfterMs) ? signAgainAfterMs : undefined,
    tokens,
  };
}

function isTime(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= 86_400_000;
}

function readToken(chain: Chain, fields: Fields, at: string, report: Report): TokenPolicy {
  const isSolana = chain === 'solana';
  known(fields, at, ['address', 'perTransfer', 'perDay', ...(isSolana ? ['program'] : [])], report);
  const checked = checkAddress(chain, typeof fields.address === 'string' ? fields.address : '');
  if (!checked.ok) report(`${at}/address`, checked.fault);
  const name = fields.program ?? 'token';
  const program =
    typeof name === 'string' && Object.hasOwn(tokenPrograms, name) ? tokenPrograms[name] : undefined;
  if (!program) report(`${at}/program`, 'Must be token or token-2022.');
  return {
    address: checked.ok ? checked.address : '',
    program: isSolana ? program : undefined,
    perTransferMinor: amountOf(fields.perTransfer, currencyScale.usdc, `${at}/perTransfer`, report),
    perDayMinor: amountOf(fields.perDay, currencyScale.usdc, `${at}/perDay`, report),
  };
}

function amountOf(value: unknown, scale: number, path: string, report: Report): bigint {
  const parsed = parseAmount(typeof value === 'string' && value.length <= 40 ? value : '', scale);
  if (parsed.ok) return parsed.minor;
  report(path, `Must be a decimal string with at most ${scale} decimals, such as "100".`);
  return 0n;
}

function known(fields: Fields, at: string, names: readonly string[], report: Report): void {
  for (const name of Object.keys(fields))
    if (!names.includes(name)) report(`${at}/${name}`, 'Unknown field.');
}

function objectOf(value: unknown, path: string, report: Report): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  report(path, 'Must be a JSON object.');
  return {};
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
