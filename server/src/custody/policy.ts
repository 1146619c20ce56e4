import { SignerRefusal } from '../chains/errors.ts';
import type { Chain, Stablecoin } from '../chains/registry.ts';
import type { AuthorizationRequest, Intent, Movement, SignRequest } from '../chains/signing.ts';
import type { TokenProgram } from '../chains/solana/programs.ts';

/** The limits of one token. Amounts are in minor units. */
export interface TokenPolicy {
  /** The contract or mint, in the registry's form. */
  readonly address: string;
  /** Solana: the program that owns the token's accounts. */
  readonly program: TokenProgram | undefined;
  readonly perTransferMinor: bigint;
  /** Per day, in UTC. */
  readonly perDayMinor: bigint;
}

/** The limits of one chain. Native amounts are in the coin's smallest unit. */
export interface ChainPolicy {
  /** EVM: the chain id (EIP-155). Other families do not use it. */
  readonly networkId: string;
  readonly maxFeeNative: bigint;
  /** The maximum fees that the treasury may pay per day, plus the coin that it sends to deposit addresses. */
  readonly nativePerDay: bigint;
  /**
   * Solana and Tron: the least time, in milliseconds by the signer's clock, between two signatures for one payment. Undefined for the
   * default, `limits.signAgainAfterMs`.
   */
  readonly signAgainAfterMs?: number | undefined;
  readonly tokens: Readonly<Partial<Record<Stablecoin, TokenPolicy>>>;
}

/** What the signer may sign. It refuses chains and tokens that the policy does not contain. */
export type SignerPolicy = Readonly<Partial<Record<Chain, ChainPolicy>>>;

/** Returns the limits of a chain. @throws SignerRefusal `chain_not_allowed` */
export function chainPolicyOf(policy: SignerPolicy, chain: Chain): ChainPolicy {
  const found = Object.hasOwn(policy, chain) ? policy[chain] : undefined;
  if (!found) throw new SignerRefusal('chain_not_allowed', `The policy does not allow ${chain}.`);
  return found;
}

/** Returns the limits of a token. @throws SignerRefusal `token_not_allowed` */
export function tokenPolicyOf(policy: ChainPolicy, chain: Chain, token: Stablecoin): TokenPolicy {
  const found = Object.hasOwn(policy.tokens, token) ? policy.tokens[token] : undefined;
  if (!found) throw new SignerRefusal('token_not_allowed', `The policy does not allow ${token} on ${chain}.`);
  return found;
}

/** The addresses that an intent can refer to. */
export interface Addresses {
  readonly treasury: string;
  deposit(index: number): string;
}

/** The movement that the bytes of an intent must have. Only the treasury pays out; a deposit address pays to the treasury only. */
export function movementOf(intent: Intent, policy: ChainPolicy, chain: Chain, at: Addresses): Movement {
  if (intent.kind === 'top_up') {
    const { amountNative: amount, index } = intent;
    return { kind: 'native', contract: undefined, from: at.treasury, to: at.deposit(index), amount };
  }
  if (intent.kind === 'nonce_fill') {
    const own = intent.index === null ? at.treasury : at.deposit(intent.index);
    return { kind: 'native', contract: undefined, from: own, to: own, amount: 0n };
  }
  if (intent.kind === 'deposit_return') {
    const { amountMinor: amount, destination: to, index } = intent;
    const from = index === null ? at.treasury : at.deposit(index);
    return { kind: 'token', contract: returnedContract(intent, policy, chain), from, to, amount };
  }
  const { address: contract } = tokenPolicyOf(policy, chain, intent.token);
  const amount = intent.amountMinor;
  if (intent.kind === 'transfer') {
    return { kind: 'token', contract, from: at.treasury, to: intent.destination, amount };
  }
  const kind = intent.kind === 'sweep' ? 'token' : 'authorised';
  return { kind, contract, from: at.deposit(intent.index), to: at.treasury, amount };
}

/**
 * The contract of a return. A token that the policy contains must be named as such, so that its limits apply; of any other, the
 * treasury returns nothing.
 *
 * @throws SignerRefusal `token_not_allowed`
 */
function returnedContract(
  { contract, index, token }: Intent & { kind: 'deposit_return' },
  policy: ChainPolicy,
  chain: Chain,
): string {
  const isListed = Object.values(policy.tokens).some(({ address }) => address === contract);
  if (token !== null && tokenPolicyOf(policy, chain, token).address === contract) return contract;
  if (token === null && !isListed && index !== null && chain !== 'solana') return contract;
  throw new SignerRefusal(
    'token_not_allowed',
    `The policy does not allow to return ${contract} on ${chain}.`,
  );
}

/** An amount that a signature releases from the treasury, and the limit of its asset per day. */
export interface Spend {
  /** A currency code, or `native`. */
  readonly asset: string;
  readonly amount: bigint;
  readonly perDay: bigint;
}

/**
 * Lists what a signature releases from the treasury. A deposit address pays the fee of its own sweep, except on Solana, where the
 * treasury pays all fees.
 *
 * @throws SignerRefusal `over_fee_limit` or `over_transfer_limit`
 */
export function spendsOf(
  { chain, intent }: SignRequest,
  policy: ChainPolicy,
  maxFeeNative: bigint,
): readonly Spend[] {
  if (maxFeeNative > policy.maxFeeNative) {
    throw new SignerRefusal('over_fee_limit', `The fee exceeds the limit for one transaction on ${chain}.`);
  }
  const isPaidByDeposit = isOfDepositAddress(intent) && chain !== 'solana';
  const native =
    (isPaidByDeposit ? 0n : maxFeeNative) + (intent.kind === 'top_up' ? intent.amountNative : 0n);
  const spends: Spend[] = [{ asset: 'native', amount: native, perDay: policy.nativePerDay }];
  if (intent.kind !== 'transfer' && intent.kind !== 'deposit_return') return spends;
  if (intent.token === null) return spends;
  const { perDayMinor: perDay, perTransferMinor } = tokenPolicyOf(policy, chain, intent.token);
  if (intent.amountMinor > perTransferMinor) {
    throw new SignerRefusal(
      'over_transfer_limit',
      `The amount exceeds the limit for one transfer of ${intent.token} on ${chain}.`,
    );
  }
  return [{ asset: intent.token, amount: intent.amountMinor, perDay }, ...spends];
}

/** Whether a deposit address signs the transaction, rather than the treasury. */
export function isOfDepositAddress(intent: Intent): intent is Intent & { readonly index: number } {
  switch (intent.kind) {
    case 'sweep':
      return true;
    case 'nonce_fill':
    case 'deposit_return':
      return intent.index !== null;
    case 'transfer':
    case 'authorised_sweep':
    case 'top_up':
      return false;
  }
}

/** Writes everything that defines a payment as one text, which is compared when its reference is used again. */
export function intentText({ chain, intent }: Pick<SignRequest, 'chain' | 'intent'>): string {
  return [chain, intent.kind, ...intentParts(intent)].join(' ');
}

function intentParts(intent: Intent): readonly (bigint | number | string)[] {
  switch (intent.kind) {
    case 'top_up':
      return [intent.amountNative, intent.index];
    case 'nonce_fill':
      return [intent.index ?? 'treasury'];
    case 'deposit_return':
      return [intent.contract, intent.amountMinor, intent.destination, intent.index ?? 'treasury'];
    case 'transfer':
      return [intent.token, intent.amountMinor, intent.destination];
    case 'sweep':
    case 'authorised_sweep':
      return [intent.token, intent.amountMinor, intent.index];
  }
}

/** Validates the numbers of an authorization. @throws SignerRefusal `invalid_request` */
export function checkAuthorization({
  amountMinor,
  nonce,
  validAfter,
  validBefore,
}: AuthorizationRequest): void {
  const limit = 1n << 256n;
  const isRight =
    amountMinor > 0n && amountMinor < limit && nonce.length === 32 && validAfter >= 0n && validBefore < limit;
  if (!isRight) throw new SignerRefusal('invalid_request', 'A number of the authorization is out of range.');
}
