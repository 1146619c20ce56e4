import { base58 } from '@scure/base';
import { limits } from '../../platform/limits.ts';
import type { Token } from '../config.ts';
import { ChainError } from '../errors.ts';
import { wrongDecimals } from '../tokens.ts';
import { finalized, type SolanaNodes } from './blocks.ts';
import { programs, tokenAccountOf } from './programs.ts';
import { type Account, accountList, contextValue } from './responses.ts';

const decimalsOffset = 44;
const mintBytes = 82;
const amountOffset = 64;
const accountBytes = 165;
const tokenDecimals = 6;

/** Returns accounts in the order of their addresses; undefined for accounts that do not exist. */
export async function findAccounts(
  nodes: Pick<SolanaNodes, 'call'>,
  addresses: readonly string[],
): Promise<(Account | undefined)[]> {
  const found: (Account | undefined)[] = [];
  for (let at = 0; at < addresses.length; at += limits.solanaAccountsPerRequest) {
    const some = addresses.slice(at, at + limits.solanaAccountsPerRequest);
    const { value } = await nodes.call(
      'getMultipleAccounts',
      [some, { ...finalized, encoding: 'base64' }],
      (result) => contextValue(result, accountList),
    );
    if (value.length !== some.length)
      throw new ChainError('The node responded with another number of accounts.');
    found.push(...value);
  }
  return found;
}

/**
 * Verifies the configured mints.
 *
 * @throws ChainError if one does not exist, belongs to another token program or does not have 6 decimals
 */
export async function requireMints(nodes: SolanaNodes, tokens: readonly Token[]): Promise<void> {
  const found = await findAccounts(
    nodes,
    tokens.map(({ address }) => address),
  );
  tokens.forEach(({ currency, program }, index) => {
    const mint = found[index];
    if (!mint || mint.program !== program || mint.data.length < mintBytes) {
      throw new ChainError(`The address configured for ${currency} must be a mint of its token program.`);
    }
    const decimals = mint.data[decimalsOffset];
    if (decimals !== tokenDecimals) throw wrongDecimals(currency, decimals);
  });
}

/** The balances of owners' associated token accounts, in smallest units and in the order of `owners`. */
export async function balancesOf(
  nodes: SolanaNodes,
  { address: mint, program }: Token,
  owners: readonly string[],
): Promise<bigint[]> {
  if (!program) throw new ChainError('A token on Solana must have a program.');
  const found = await findAccounts(
    nodes,
    owners.map((owner) => tokenAccountOf(owner, mint, program)),
  );
  return found.map((account, index) => amountIn(account, mint, owners[index] ?? '', program));
}

/** Reads an SPL Token `Account`: mint, owner, amount. Token-2022 appends its extensions. */
function amountIn(account: Account | undefined, mint: string, owner: string, program: string): bigint {
  if (account?.program !== program || account.data.length < accountBytes) return 0n;
  const data = Buffer.from(account.data);
  const isOwners =
    base58.encode(data.subarray(0, 32)) === mint && base58.encode(data.subarray(32, 64)) === owner;
  return isOwners ? data.readBigUInt64LE(amountOffset) : 0n;
}

/** Whether an account is a token account. Tokens sent to it as to an owner would be lost. */
export function isTokenAccount(account: Account | undefined): boolean {
  return account?.program === programs.token || account?.program === programs.token2022;
}
