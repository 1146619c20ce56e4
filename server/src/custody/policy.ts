import type { Chain, Stablecoin } from '../chains/registry.ts';
import type { TokenProgram } from '../chains/solana/programs.ts';
import {
  type AuthorizationRequest,
  type Intent,
  type Movement,
  SignerRefusal,
  type SignRequest,
} from '../chains/signing.ts';

/** What may leave in one token. Amounts are in minor units. */
export interface TokenPolicy {
  /** The contract or mint, in the chain's own form. */
  readonly address: string;
  /** Solana: the program that keeps the token's accounts. */
  readonly program: TokenProgram | undefined;
  readonly perTransferMinor: bigint;
  /** A day is one of UTC. */
  readonly perDayMinor: bigint;
}

/** What may be signed for one chain. Native amounts are in the coin's smallest unit. */
export interface ChainPolicy {
  /** EVM chain id (EIP-155); of no meaning for the others. */
  readonly networkId: string;
  readonly maxFeeNative: bigint;
  /** Fees that the treasury may pay, at the most, and coin that it gives to deposit addresses. */
  readonly nativePerDay: bigint;
  readonly tokens: Readonly<Partial<Record<Stablecoin, TokenPolicy>>>;
}

/** What the signer signs. A chain or token that is not here is refused. */
export type SignerPolicy = Readonly<Partial<Record<Chain, ChainPolicy>>>;

/** @throws SignerRefusal when the chain is none that may be signed for */
export function chainPolicyOf(policy: SignerPolicy, chain: Chain): ChainPolicy {
  const found = Object.hasOwn(policy, chain) ? policy[chain] : undefined;
  if (!found) throw new SignerRefusal('chain_not_allowed', `The policy does not allow ${chain}.`);
  return found;
}

/** @throws SignerRefusal when the token is none that may be signed for */
export function tokenPolicyOf(policy: ChainPolicy, chain: Chain, token: Stablecoin): TokenPolicy {
  const found = Object.hasOwn(policy.tokens, token) ? policy.tokens[token] : undefined;
  if (!found) throw new SignerRefusal('token_not_allowed', `The policy does not allow ${token} on ${chain}.`);
  return found;
}

/** The addresses that an intent can name. */
export interface Addresses {
  readonly treasury: string;
  deposit(index: number): string;
}

/** What the bytes must say for an intent. Only the treasury pays out; a deposit address pays to the treasury. */
export function movementOf(intent: Intent, policy: ChainPolicy, chain: Chain, at: Addresses): Movement {
  if (intent.kind === 'top_up') {
    const { amountNative: amount, index } = intent;
    return { kind: 'native', contract: undefined, from: at.treasury, to: at.deposit(index), amount };
  }
  const { address: contract } = tokenPolicyOf(policy, chain, intent.token);
  const amount = intent.amountMinor;
  if (intent.kind === 'transfer') {
    return { kind: 'token', contract, from: at.treasury, to: intent.destination, amount };
  }
  const kind = intent.kind === 'sweep' ? 'token' : 'authorised';
  return { kind, contract, from: at.deposit(intent.index), to: at.treasury, amount };
}

/** An amount that a signature lets out of the treasury, and how much of the asset may leave in a day. */
export interface Spend {
  /** A token's code, or `native`. */
  readonly asset: string;
  readonly amount: bigint;
  readonly perDay: bigint;
}

/**
 * What a signature costs the treasury. The deposit address pays for its own sweep, but on Solana, where the treasury
 * pays for everything.
 *
 * @throws SignerRefusal when one transfer or one fee is too large
 */
export function spendsOf(
  { chain, intent }: SignRequest,
  policy: ChainPolicy,
  maxFeeNative: bigint,
): readonly Spend[] {
  if (maxFeeNative > policy.maxFeeNative) {
    throw new SignerRefusal('over_fee_limit', `A transaction on ${chain} may not cost so much.`);
  }
  const isPaidByDeposit = intent.kind === 'sweep' && chain !== 'solana';
  const native =
    (isPaidByDeposit ? 0n : maxFeeNative) + (intent.kind === 'top_up' ? intent.amountNative : 0n);
  const spends: Spend[] = [{ asset: 'native', amount: native, perDay: policy.nativePerDay }];
  if (intent.kind !== 'transfer') return spends;
  const { perDayMinor: perDay, perTransferMinor } = tokenPolicyOf(policy, chain, intent.token);
  if (intent.amountMinor > perTransferMinor) {
    throw new SignerRefusal(
      'over_transfer_limit',
      `A transfer of ${intent.token} on ${chain} may not be so large.`,
    );
  }
  return [{ asset: intent.token, amount: intent.amountMinor, perDay }, ...spends];
}

/** What is compared when a reference comes again: everything that the payment is, in one text. */
export function intentText({ chain, intent }: Pick<SignRequest, 'chain' | 'intent'>): string {
  const parts =
    intent.kind === 'top_up'
      ? [intent.amountNative, intent.index]
      : [intent.token, intent.amountMinor, intent.kind === 'transfer' ? intent.destination : intent.index];
  return [chain, intent.kind, ...parts].join(' ');
}

/** @throws SignerRefusal when a number in it is none */
export function checkAuthorization({
  amountMinor,
  nonce,
  validAfter,
  validBefore,
}: AuthorizationRequest): void {
  const limit = 1n << 256n;
  const isRight =
    amountMinor > 0n && amountMinor < limit && nonce.length === 32 && validAfter >= 0n && validBefore < limit;
  if (!isRight) throw new SignerRefusal('invalid_request', 'The authorisation has a wrong number.');
}
