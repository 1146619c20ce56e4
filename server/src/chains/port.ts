import type { TransferProof } from './signing.ts';
import type { ChainConfig, Token } from './config.ts';
import type { Chain, Stablecoin } from './registry.ts';

/**
 * What the workers need of a real chain, whatever its family. Heights are block numbers, or slots; ids are block hashes;
 * native amounts are the smallest units of the chain's own coin (wei, lamports, sun).
 */

/** A block by its place and its name: another id at the same height is another block. */
export interface Block {
  readonly height: number;
  readonly id: string;
}

/** Addresses that we watch, in the form that the chain's transfers carry. */
export interface WatchedAddresses {
  readonly size: number;
  /** @param address in the family's own form for comparing: lower case for EVM chains */
  has(address: string): boolean;
  keys(): Iterable<string>;
}

/** A transfer of a token to an address of ours. */
export interface SeenTransfer {
  readonly txHash: string;
  /** Which of the transaction's transfers to us, from 0: the same wherever the transaction is mined. */
  readonly ordinal: number;
  readonly block: Block;
  /** The contract or mint. */
  readonly token: string;
  /** Undefined when the token is not one of ours. */
  readonly currency: Stablecoin | undefined;
  readonly from: string;
  /** In the form of `WatchedAddresses`. */
  readonly to: string;
  /** What the chain's event says; never more than 2^256 − 1. */
  readonly amount: bigint;
}

/** Reads a chain. Every call asks one node and throws when it fails; the next call may ask another one. */
export interface ChainReader {
  /** The newest block. Checks that the node is one of the configured network. */
  head(): Promise<Block>;
  /** The id of the block at a height; undefined when there is none yet. */
  blockId(height: number): Promise<string | undefined>;
  /**
   * Every transfer to a watched address in a range of blocks.
   *
   * @param final asks as many nodes as have to agree, and throws when they do not
   */
  scan(from: number, to: number, watched: WatchedAddresses, final: boolean): Promise<SeenTransfer[]>;
  /**
   * What really arrived at the receiver with these transfers, which are of one token, to one address, in one block.
   *
   * @param areOurs which transactions are of our own making: what they took out in the meantime had arrived
   * @returns undefined when the node no longer knows the state of that block
   */
  received(
    transfers: readonly SeenTransfer[],
    areOurs: (txHashes: readonly string[]) => Promise<ReadonlySet<string>>,
  ): Promise<bigint | undefined>;
  /** The block that any node has the transaction in; undefined when none does. */
  minedIn(txHash: string): Promise<Block | undefined>;
  /**
   * What addresses hold of a token, in its smallest units and in their order.
   *
   * @param height after which block; after the newest when left out
   * @throws ChainError also when the node does not know that state any more
   */
  tokenBalances(currency: Stablecoin, addresses: readonly string[], height?: number): Promise<bigint[]>;
  /** What an address holds of the chain's own coin. */
  nativeBalance(address: string): Promise<bigint>;
}

/** What is to be paid, kept as it is for as long as the payment lives. Amounts are in the smallest units. */
export type PaymentIntent =
  | {
      readonly kind: 'transfer';
      readonly currency: Stablecoin;
      readonly amount: bigint;
      /** Where it goes. */
      readonly address: string;
      /** For the signer: that the transfer was accepted. It is not kept with the payment, but with the transfer. */
      readonly proof?: TransferProof;
    }
  | {
      /** A deposit goes into the treasury: by the deposit address itself, or by the treasury with its signature. */
      readonly kind: 'sweep' | 'authorised_sweep';
      readonly currency: Stablecoin;
      readonly amount: bigint;
      /** Where it comes from, and the index of its key. */
      readonly address: string;
      readonly index: number;
    }
  | {
      /** Native coin for a deposit address, to pay for its sweep. */
      readonly kind: 'top_up';
      readonly amount: bigint;
      readonly address: string;
      readonly index: number;
    };

/** A payment in its place of its sender's order. */
export interface PlacedPayment {
  /** Names it for good; for a transfer, the transfer's id. */
  readonly id: string;
  readonly intent: PaymentIntent;
  readonly sender: string;
  readonly sequence: bigint;
}

/** A signed transaction: stored before it is sent. */
export interface SignedAttempt {
  readonly txHash: string;
  readonly raw: string;
  /** What is offered for it, in the family's own terms: what replaces it must offer more. */
  readonly terms: string;
}

/** The terms that something can be signed at now, or why not, in words for the operator. */
export type Prepared =
  | { readonly terms: string }
  | {
      readonly obstacle: string;
      /** Whether the token itself refuses: then waiting does not help. */
      readonly isRefused: boolean;
      /** How much native coin its sender should have, when it has too little. */
      readonly nativeNeeded?: bigint;
    };

/** How a payment stands on its chain. */
export type PaymentState =
  /** Nothing to do but to wait, or to send it again. */
  | { readonly kind: 'waiting'; readonly isKnown: boolean }
  /** It may be signed again, at these terms: never can both be mined. */
  | { readonly kind: 'stuck'; readonly terms: string }
  /** It is as deep as it must be. */
  | {
      readonly kind: 'final';
      readonly ok: boolean;
      readonly txHash: string;
      readonly height: number;
      readonly feeNative: bigint;
    }
  /** Its place was taken by something we have not signed for it: an operator must look. */
  | { readonly kind: 'displaced' };

/** Sends payments from the treasury, and from deposit addresses into it. */
export interface ChainSender {
  readonly treasury: string;
  /** The first place in a sender's order that the chain has not used (a nonce; 0 where there is none). */
  nextSequence(sender: string): Promise<bigint>;
  /** Where nothing keeps transactions in order: whether one of these is in a block, and gone from what balances tell. */
  isMined?(attempts: readonly SignedAttempt[]): Promise<boolean>;
  /** Whether a token's deposits can be moved by signature alone, without coin of their own (EIP-3009). */
  takesAuthorizations(currency: Stablecoin): Promise<boolean>;
  /** Whether and how the payment could be signed now: enough coins for it, and the token would do it. */
  prepare(id: string, intent: PaymentIntent): Promise<Prepared>;
  /**
   * Signs a payment at the terms that it was prepared at.
   *
   * @throws SignerRefusal when the signer's policy does not allow it
   */
  sign(payment: PlacedPayment, terms: string): Promise<SignedAttempt>;
  /** Offers it to the chain. That it is known already is no error. */
  broadcast(attempt: SignedAttempt): Promise<void>;
  /**
   * @param attempts the oldest first; at least one
   * @param ageMs how long ago the newest was signed
   */
  follow(payment: PlacedPayment, attempts: readonly SignedAttempt[], ageMs: number): Promise<PaymentState>;
}

/** How a node is. */
export interface NodeStanding {
  /** Its host alone. */
  readonly name: string;
  /** Why it is of no use; null when it is, or nothing is known of it yet. */
  readonly fault: string | null;
}

/** A real chain: one for each that is configured. */
export interface ChainPort {
  readonly chain: Chain;
  readonly config: ChainConfig;
  /** How many of the smallest units make one of the chain's own coins. */
  readonly nativeUnit: bigint;
  readonly reader: ChainReader;
  readonly sender: ChainSender;
  /** How the chain's nodes are, as far as is known. */
  nodes(): readonly NodeStanding[];
  /** The token of a currency; undefined when it is not configured. */
  token(currency: string): Token | undefined;
  /** How an address of the registry's form is written in `WatchedAddresses`. */
  comparable(address: string): string;
  close(): Promise<void>;
}

/** A node did not answer, or not as it should. The text never holds its URL. */
export class ChainError extends Error {
  override readonly name = 'ChainError';
}
