import { base58 } from '@scure/base';
import { limits } from '../../platform/limits.ts';
import type { Token } from '../config.ts';
import { ChainError } from '../port.ts';
import { finalized, type SolanaNodes } from './blocks.ts';
import { programs, tokenAccountOf } from './programs.ts';
import { type Account, accountList, contextValue } from './responses.ts';

const decimalsOffset = 44;
const mintBytes = 82;
const amountOffset = 64;
const accountBytes = 165;
const tokenDecimals = 6;

/** Accounts in the order of their addresses; undefined for those that there are not. */
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
      (answer) => contextValue(answer, accountList),
    );
    if (value.length !== some.length) throw new ChainError('The node answered with other accounts.');
    found.push(...value);
  }
  return found;
}

/** Makes sure that the mints are what the configuration says: of the right program, with six decimals. */
export async function expectMints(nodes: SolanaNodes, tokens: readonly Token[]): Promise<void> {
  const found = await findAccounts(
    nodes,
    tokens.map(({ address }) => address),
  );
  tokens.forEach(({ currency, program }, index) => {
    const mint = found[index];
    if (!mint || mint.program !== program || mint.data.length < mintBytes) {
      throw new ChainError(`What is configured for ${currency} is no mint of its token program.`);
    }
    const decimals = mint.data[decimalsOffset];
    if (decimals === tokenDecimals) return;
    throw new ChainError(`The mint configured for ${currency} has ${decimals} decimals, not 6.`);
  });
}

/** What owners hold of a token in their associated accounts, in its smallest units. */
export async function balancesOf(
  nodes: SolanaNodes,
  { address: mint, program }: Token,
  owners: readonly string[],
): Promise<bigint[]> {
  if (!program) throw new ChainError('A token of Solana has its program.');
  const found = await findAccounts(
    nodes,
    owners.map((owner) => tokenAccountOf(owner, mint, program)),
  );
  return found.map((account, index) => amountIn(account, mint, owners[index] ?? '', program));
}

/** SPL Token, `Account`: mint, owner, amount; Token-2022 puts its extensions behind them. */
function amountIn(account: Account | undefined, mint: string, owner: string, program: string): bigint {
  if (account?.program !== program || account.data.length < accountBytes) return 0n;
  const data = Buffer.from(account.data);
  const isTheirs =
    base58.encode(data.subarray(0, 32)) === mint && base58.encode(data.subarray(32, 64)) === owner;
  return isTheirs ? data.readBigUInt64LE(amountOffset) : 0n;
}

/** Whether an account keeps tokens: tokens that are sent to it as to an owner would be out of reach. */
export function isTokenAccount(account: Account | undefined): boolean {
  return account?.program === programs.token || account?.program === programs.token2022;
}
