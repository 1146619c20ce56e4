import { SignerRefusal } from './errors.ts';
import type { Chain, Stablecoin } from './registry.ts';

/**
 * The signing port: what a chain needs of a signer, and what a signer needs to know of a transaction. `custody` implements it,
 * in this process or in another one.
 */
export interface TransactionSigner {
  /**
   * Signs a transaction if its bytes do what the intent says and the policy allows it.
   *
   * @throws SignerRefusal (as a rejection) otherwise; nothing is counted then
   * @throws SignerUnavailableError (as a rejection) if the signer is another process and does not respond
   */
  sign(request: SignRequest): Promise<SignedTransaction>;
  /**
   * Signs an authorization to move a deposit to the treasury, which submits it (EIP-3009, `receiveWithAuthorization`).
   *
   * @returns `r s v`, with v 27 or 28
   * @throws SignerRefusal (as a rejection)
   */
  signAuthorization(request: AuthorizationRequest): Promise<Uint8Array>;
  /** Returns what was last signed under a reference; undefined if the signer has no record of it. */
  lastSigned(reference: string): Promise<LastSigned | undefined>;
}

/** The last transaction that was signed under a reference. Signing its bytes again returns the same signature. */
export interface LastSigned {
  readonly id: string;
  readonly unsigned: Uint8Array;
  /** As the caller passed them with the bytes. */
  readonly terms: string;
}

/** The final block that a transaction refers to, on chains where transactions expire. The signer compares it with the bytes. */
export interface BlockReference {
  /** Solana: the number of blocks before it, which is not its slot. */
  readonly height: number;
  readonly id: string;
  /** Tron: the block's time, in milliseconds since the Unix epoch. 0 on Solana. */
  readonly timeMs: number;
}

/** The proof that a transfer was accepted (custody/transfer-proof.ts), and the fields that the bytes do not show. */
export interface TransferProof {
  readonly walletId: string;
  /** The output of `proveTransfer`; null if the transfer has no proof. */
  readonly text: string | null;
}

/** What a payment pays, unchanged for as long as the payment exists. Amounts are in the smallest units. */
export type PaymentIntent =
  | {
      readonly kind: 'transfer';
      readonly currency: Stablecoin;
      readonly amount: bigint;
      /** The destination. */
      readonly address: string;
      /** Proof for the signer that the transfer was accepted. It is stored with the transfer, not with the payment. */
      readonly proof?: TransferProof;
    }
  | {
      /** A deposit moves to the treasury: sent by the deposit address, or by the treasury on the address's signature. */
      readonly kind: 'sweep' | 'authorised_sweep';
      readonly currency: Stablecoin;
      readonly amount: bigint;
      /** The deposit address, and the index of its key. */
      readonly address: string;
      readonly index: number;
    }
  | {
      /** Native coin for a deposit address, which pays for its sweep with it. */
      readonly kind: 'top_up';
      readonly amount: bigint;
      readonly address: string;
      readonly index: number;
    }
  | NonceFillIntent
  | ReturnIntent;

/** A transfer of nothing from an address to itself, which uses up a nonce (EVM). */
export interface NonceFillIntent {
  readonly kind: 'nonce_fill';
  readonly amount: 0n;
  /** The sender. */
  readonly address: string;
  /** The index of its key; null for the treasury. */
  readonly index: number | null;
}

/** An uncredited deposit goes to an address that an operator has named. */
export interface ReturnIntent {
  readonly kind: 'deposit_return';
  /** Null for a token that is not configured. */
  readonly currency: Stablecoin | null;
  /** The contract or mint. */
  readonly token: string;
  readonly amount: bigint;
  /** The destination. */
  readonly address: string;
  /** The deposit address, and the index of its key. Without an index the treasury pays. */
  readonly from: string;
  readonly index: number | null;
  /** Proof for the signer that an operator ordered it (`proveReturn`). Stored with the operator's action. */
  readonly proof?: string | undefined;
}

/**
 * The purpose of a transaction as the caller states it. The signer derives the same from the bytes and refuses if they differ.
 *
 * - `transfer`: the treasury pays out for a proven transfer.
 * - `sweep`: a deposit address sends its tokens to the treasury and to nobody else.
 * - `authorised_sweep`: the same by EIP-3009: the treasury submits what `signAuthorization` has signed.
 * - `top_up`: the treasury sends native coin to a deposit address, which pays for its sweep with it.
 * - `nonce_fill`: an address sends nothing to itself, so that its nonce is used.
 * - `deposit_return`: an uncredited deposit goes where an operator has ordered.
 */
export type Intent =
  | {
      readonly kind: 'transfer';
      readonly token: Stablecoin;
      readonly amountMinor: bigint;
      readonly destination: string;
      /** Proof that the transfer was accepted. The signer refuses a transfer without one. */
      readonly proof?: TransferProof | undefined;
    }
  | {
      readonly kind: 'sweep' | 'authorised_sweep';
      readonly token: Stablecoin;
      readonly amountMinor: bigint;
      /** Derivation index of the deposit address. */
      readonly index: number;
    }
  | { readonly kind: 'top_up'; readonly amountNative: bigint; readonly index: number }
  | { readonly kind: 'nonce_fill'; readonly index: number | null }
  | {
      readonly kind: 'deposit_return';
      /** Null for a token that the policy does not contain. */
      readonly token: Stablecoin | null;
      readonly contract: string;
      readonly amountMinor: bigint;
      readonly destination: string;
      /** Derivation index of the deposit address that pays; null for the treasury. */
      readonly index: number | null;
      /** Proof that an operator ordered it. The signer refuses a return without one. */
      readonly proof?: string | undefined;
    };

/** A transaction to sign. */
export interface SignRequest {
  readonly chain: Chain;
  /**
   * Names the payment permanently. The same bytes get the same signature. Signing others under the same reference (higher fee, newer
   * blockhash) is the same payment and counts once: on EVM chains for the same nonce, elsewhere after the last one has expired.
   * Another payment under the reference is refused.
   */
  readonly reference: string;
  readonly intent: Intent;
  /** EVM: the EIP-1559 payload `0x02 ‖ rlp([…])`. Solana: the message. Tron: `raw_data`. */
  readonly unsigned: Uint8Array;
  /** The caller's own description of the bytes, which `lastSigned` returns; at most `limits.signerTermsChars`. */
  readonly terms: string;
  /** Solana and Tron: the final block that the bytes refer to. A further transaction refers to one after the last has expired. */
  readonly block?: BlockReference | undefined;
  /** The id of the last transaction that was signed under the reference, as far as the caller knows. */
  readonly replaces?: string | undefined;
  /** The number of entries that the signer's record must have at least: the highest that it has reported before. */
  readonly entries?: number | undefined;
}

export interface SignedTransaction {
  /** The encoding that the chain's nodes accept. */
  readonly transaction: Uint8Array;
  /** The id that block explorers use: EVM `0x…`, Solana base58, Tron hexadecimal. */
  readonly id: string;
  /** The number of entries of a separate signer's record, this one included. */
  readonly entries?: number | undefined;
}

/** A sweep that the token contract executes on a signature (EIP-3009, `ReceiveWithAuthorization`). */
export interface AuthorizationRequest {
  readonly chain: Chain;
  readonly token: Stablecoin;
  readonly amountMinor: bigint;
  readonly index: number;
  /** Name and version of the contract's EIP-712 domain. */
  readonly name: string;
  readonly version: string;
  readonly validAfter: bigint;
  readonly validBefore: bigint;
  /** 32 bytes. */
  readonly nonce: Uint8Array;
}

/** A movement of tokens or native coin in the terms of a chain. Addresses are in the chain's own form. */
export interface Movement {
  readonly kind: 'token' | 'native' | 'authorised';
  /** The token's contract or mint; undefined for native coin. */
  readonly contract: string | undefined;
  readonly from: string;
  readonly to: string;
  readonly amount: bigint;
}

/** What the bytes say apart from the movement. */
export interface TransactionFacts {
  /** The maximum cost of the transaction, in the native coin's smallest unit. */
  readonly maxFeeNative: bigint;
  /** The nonce, which lets only one version of the transaction take effect; null on chains without one. */
  readonly nonce: string | null;
}

/** The blocks that can contain a transaction, in the chain's own measure: heights on Solana, milliseconds of block times on Tron. */
export interface Validity {
  /** The measure of the block that the transaction refers to. Only later blocks can contain it. */
  readonly from: number;
  /** No block after one of a greater measure can contain it. */
  readonly until: number;
  /** When that is by the clock, in milliseconds since the Unix epoch; null if the bytes do not say it. */
  readonly endsAtMs: number | null;
}

/** Whether a payment serves to move deposits to the treasury. A customer or an operator has ordered every other one. */
export function servesSweeps({ kind }: PaymentIntent): boolean {
  return kind === 'sweep' || kind === 'authorised_sweep' || kind === 'top_up';
}

/** States a payment's purpose to the signer. Families without EIP-3009 never pass `authorised_sweep`. */
export function signingIntentOf(intent: PaymentIntent): Intent {
  switch (intent.kind) {
    case 'transfer': {
      const { address: destination, amount: amountMinor, currency: token, kind, proof } = intent;
      return { kind, token, amountMinor, destination, proof };
    }
    case 'top_up':
      return { kind: 'top_up', amountNative: intent.amount, index: intent.index };
    case 'nonce_fill':
      return { kind: 'nonce_fill', index: intent.index };
    case 'deposit_return': {
      const { address: destination, amount: amountMinor, currency, index, kind, proof, token } = intent;
      return { kind, token: currency, contract: token, amountMinor, destination, index, proof };
    }
    case 'sweep':
    case 'authorised_sweep':
      return { kind: intent.kind, token: intent.currency, amountMinor: intent.amount, index: intent.index };
  }
}

/** The address whose nonce a payment uses. */
export function payerOf(treasury: string, intent: PaymentIntent): string {
  switch (intent.kind) {
    case 'sweep':
    case 'nonce_fill':
      return intent.address;
    case 'deposit_return':
      return intent.from;
    case 'transfer':
    case 'authorised_sweep':
    case 'top_up':
      return treasury;
  }
}

/** @throws SignerRefusal `meaning_differs` if `condition` is false */
export function requireSame(condition: boolean, what: string): asserts condition {
  if (!condition) throw new SignerRefusal('meaning_differs', `The bytes differ from the intent: ${what}.`);
}
