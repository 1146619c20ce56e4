import { checkAddress } from './addresses.ts';
import type { ChainConfig } from './config.ts';
import { networks } from './networks.ts';
import { type Chain, type ChainFamily, chainFamily } from './registry.ts';
import { isSystemAccount, tokenAccountOf } from './solana/programs.ts';
import { tronAddressBytes } from './tron/transaction.ts';

/** A destination in its canonical form, or why nothing can be sent to it. */
export type CheckedDestination =
  | { readonly ok: true; readonly address: string }
  | {
      readonly ok: false;
      /** Whether it is an address of the chain, though nobody can use what is sent there. */
      readonly isAddress: boolean;
      /** States the rule; never contains the input. */
      readonly fault: string;
    };

/** Addresses of the house in canonical form: its treasuries, and the contracts that it is configured with. */
export type OwnAddresses = ReadonlySet<string>;

/**
 * Validates an address as the destination of tokens. Refuses addresses that nobody can spend from: token contracts and mints,
 * precompiles and system contracts, programs, and the house's own. Zero addresses are no addresses (`checkAddress`).
 *
 * @param own from `ownAddressesOf`
 * @returns the address in canonical form, or the reason and the rule
 */
export function checkDestination(chain: Chain, text: string, own: OwnAddresses): CheckedDestination {
  const checked = checkAddress(chain, text);
  if (!checked.ok) return { ok: false, isAddress: false, fault: checked.fault };
  const { address } = checked;
  const family = chainFamily(chain);
  if (wellKnownTokens[family].has(address)) return unusable('a token contract, which keeps what it receives');
  if (isSystemAddress(family, address)) return unusable(`a system address of ${chain}, which nobody owns`);
  if (own.has(address)) return unusable("one of the server's own addresses or token contracts");
  return { ok: true, address };
}

/**
 * The addresses of the house that are no destinations: its treasuries with their token accounts, and the configured tokens.
 *
 * @param treasuries in canonical form, one per chain
 */
export function ownAddressesOf(
  treasuries: readonly { readonly chain: Chain; readonly address: string }[],
  configs: readonly ChainConfig[],
): OwnAddresses {
  const own = new Set(treasuries.map(({ address }) => address));
  for (const { chain, tokens } of configs) {
    const treasury = treasuries.find((known) => known.chain === chain);
    for (const { address, program } of tokens) {
      own.add(address);
      if (program && treasury) own.add(tokenAccountOf(treasury.address, address, program));
    }
  }
  return own;
}

function unusable(what: string): CheckedDestination {
  return { ok: false, isAddress: true, fault: `The address must not be ${what}.` };
}

/** The tokens of all built-in networks: chains of one family are often confused, and no key belongs to these addresses on any. */
const wellKnownTokens: Readonly<Record<ChainFamily, ReadonlySet<string>>> = {
  evm: tokensOf('evm'),
  solana: tokensOf('solana'),
  tron: tokensOf('tron'),
};

function tokensOf(family: ChainFamily): ReadonlySet<string> {
  const chains = Object.entries(networks).filter(([chain]) => chainFamily(chain as Chain) === family);
  return new Set(
    chains.flatMap(([, kinds]) =>
      Object.values(kinds ?? {}).flatMap(({ tokens }) => Object.values(tokens) as string[]),
    ),
  );
}

function isSystemAddress(family: ChainFamily, address: string): boolean {
  switch (family) {
    case 'solana':
      return isSystemAccount(address);
    case 'evm':
      return isSystemContract(address.slice(2).toLowerCase());
    case 'tron':
      return isSystemContract(Buffer.from(tronAddressBytes(address)).subarray(1).toString('hex'));
  }
}

const systemContracts: readonly RegExp[] = [
  // Precompiles 0x01 to 0xff, and 0x0100 (RIP-7212).
  /^0{38}/,
  /^0{37}100$/,
  // Polygon's state receiver and native token.
  /^0{36}10(?:01|10)$/,
  // Predeploys of the OP stack (its specification, Predeploys).
  /^420{35}[0-7][0-9a-f]{2}$/,
];

/** @param account 40 hexadecimal digits in lower case */
function isSystemContract(account: string): boolean {
  return systemContracts.some((pattern) => pattern.test(account));
}
