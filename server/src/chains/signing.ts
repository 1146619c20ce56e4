import type { Chain, Stablecoin } from './registry.ts';

/** A transfer's proof (transfer-proof.ts) on its way to the signer, with what the signer cannot read from the bytes. */
export interface TransferProof {
  readonly walletId: string;
  /** As `proveTransfer` makes it; null when there is none. */
  readonly text: string | null;
}

/**
 * What a transaction is for, as the asker tells it. The signer reads the same from the bytes that it signs, and refuses
 * when the two differ.
 *
 * - `transfer`: the treasury pays out, for a transfer that is proven.
 * - `sweep`: a deposit address sends what it has to the treasury, and to nobody else.
 * - `authorised_sweep`: the same by EIP-3009: the treasury submits what `signAuthorization` has signed.
 * - `top_up`: the treasury gives a deposit address native coin, so that it can pay for its sweep.
 */
export type Intent =
  | {
      readonly kind: 'transfer';
      readonly token: Stablecoin;
      readonly amountMinor: bigint;
      readonly destination: string;
      /** That the transfer was accepted: without one it is not paid. */
      readonly proof?: TransferProof | undefined;
    }
  | {
      readonly kind: 'sweep' | 'authorised_sweep';
      readonly token: Stablecoin;
      readonly amountMinor: bigint;
      /** Derivation index of the deposit address. */
      readonly index: number;
    }
  | { readonly kind: 'top_up'; readonly amountNative: bigint; readonly index: number };

/** A transaction to sign. */
export interface SignRequest {
  readonly chain: Chain;
  /**
   * Names the payment, for good: signing again under the same reference (higher fee, newer blockhash) is the same
   * payment and counts once; another payment under it is refused.
   */
  readonly reference: string;
  readonly intent: Intent;
  /** EVM: the EIP-1559 payload `0x02 ‖ rlp([…])`. Solana: the message. Tron: `raw_data`. */
  readonly unsigned: Uint8Array;
}

export interface SignedTransaction {
  /** As the chain's nodes take it. */
  readonly transaction: Uint8Array;
  /** What explorers find it by: EVM `0x…`, Solana base 58, Tron hex. */
  readonly id: string;
}

/** A sweep that the token contract carries out on a signature (EIP-3009, `ReceiveWithAuthorization`). */
export interface AuthorizationRequest {
  readonly chain: Chain;
  readonly token: Stablecoin;
  readonly amountMinor: bigint;
  readonly index: number;
  /** The EIP-712 domain's name and version, as the contract has them. */
  readonly name: string;
  readonly version: string;
  readonly validAfter: bigint;
  readonly validBefore: bigint;
  /** 32 bytes. */
  readonly nonce: Uint8Array;
}

/** Where tokens or native coin go, in the terms of a chain. Addresses are in the chain's own form. */
export interface Movement {
  readonly kind: 'token' | 'native' | 'authorised';
  /** Of the token; undefined for native coin. */
  readonly contract: string | undefined;
  readonly from: string;
  readonly to: string;
  readonly amount: bigint;
}

/** What the bytes say beside the movement. */
export interface TransactionFacts {
  /** The most that it can cost, in the native coin's smallest unit. */
  readonly maxFeeNative: bigint;
  /** What keeps it from taking effect twice beside another version of itself; null where nothing in it does. */
  readonly nonce: string | null;
}

/** Why the signer does not sign. */
export type SignerRefusalCode =
  | 'invalid_request'
  | 'chain_not_allowed'
  | 'token_not_allowed'
  | 'meaning_differs'
  | 'over_transfer_limit'
  | 'over_day_limit'
  | 'over_fee_limit'
  | 'reference_reused'
  | 'not_proven';

/** The policy, or the bytes, do not allow a signature. The text never holds bytes of the request. */
export class SignerRefusal extends Error {
  override readonly name = 'SignerRefusal';
  readonly code: SignerRefusalCode;

  constructor(code: SignerRefusalCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** @throws SignerRefusal `meaning_differs` when `condition` is false */
export function requireSame(condition: boolean, what: string): asserts condition {
  if (!condition) throw new SignerRefusal('meaning_differs', `The bytes say something else: ${what}.`);
}
