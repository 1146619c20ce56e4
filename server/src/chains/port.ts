import type { ChainConfig, Token } from './config.ts';
import type { BlockingReason } from './errors.ts';
import type { Chain, Stablecoin } from './registry.ts';
import type { PaymentIntent } from './signing.ts';

/**
 * What the workers need of a chain, whatever its family. Heights are block numbers, or slots on Solana; ids are block hashes;
 * native amounts are in the smallest unit of the chain's own coin (wei, lamports, sun).
 */

/** A block. Another id at the same height is another block. */
export interface Block {
  readonly height: number;
  readonly id: string;
}

/** The addresses that deposits are read for, in the form of the chain's transfers. */
export interface WatchedAddresses {
  readonly size: number;
  /** @param address in the family's comparable form: lower case on EVM chains */
  has(address: string): boolean;
  keys(): Iterable<string>;
  /**
   * An address in the same form: movements of configured tokens that leave it are reported too, as outgoing, whoever receives them.
   * Undefined if they are not of interest.
   */
  readonly sender?: string | undefined;
}

/** A token transfer to a watched address. */
export interface SeenTransfer {
  readonly txHash: string;
  /** Index among the transaction's transfers to watched addresses, from 0; the same in whichever block the transaction is. */
  readonly ordinal: number;
  readonly block: Block;
  /** The contract or mint. */
  readonly token: string;
  /** Undefined if the token is not configured. */
  readonly currency: Stablecoin | undefined;
  readonly from: string;
  /** In the form of `WatchedAddresses`. */
  readonly to: string;
  /** The amount that the chain reports; at most 2^256 − 1. */
  readonly amount: bigint;
  /** Whether this is what left `WatchedAddresses.sender`. What arrived of it at a watched address is a transfer of its own. */
  readonly isOutgoing?: true;
}

/** What receivers got in a block, as nodes measured it. */
export interface Measured {
  /** In the token's smallest unit, by receiver. */
  readonly amounts: ReadonlyMap<string, bigint>;
  /** Whether as many nodes as must agree have measured it; the others do not have the state. */
  readonly isAgreed: boolean;
}

/** Reads a chain. Each call asks one node unless stated otherwise, and throws ChainError if it fails; the next call may ask another node. */
export interface ChainReader {
  /** The newest block. Verifies that the node belongs to the configured network. */
  head(): Promise<Block>;
  /**
   * The newest height whose blocks are final by the chain's rule, on as many nodes as must agree.
   *
   * @param head from `head`
   */
  finalHeight(head: Block): Promise<number>;
  /** The id of the block at a height; undefined if there is none yet. */
  blockId(height: number): Promise<string | undefined>;
  /** The ids that every healthy node has for the block at a height; nodes that fail or have none are left out. */
  blockIds(height: number): Promise<readonly string[]>;
  /**
   * Lists the transfers to watched addresses in a range of blocks, both ends included. An answer that may be empty or partial because
   * a node omits something is not believed.
   *
   * @param final asks as many nodes as must agree, and throws if they do not
   */
  scan(from: number, to: number, watched: WatchedAddresses, final: boolean): Promise<SeenTransfer[]>;
  /**
   * Lists the transfers of tokens that are not configured, which `scan` omits because anybody can make any number of them, in final
   * blocks. Undefined where `scan` includes them, or if they are not watched.
   */
  readonly scanUnlisted:
    | ((from: number, to: number, watched: WatchedAddresses) => Promise<SeenTransfer[]>)
    | undefined;
  /**
   * Measures what receivers got by these transfers, which are of one token, in one block.
   *
   * @param areOurs selects the transactions that were signed here: what they moved out of an address had arrived before
   * @returns undefined if no node has the state of that block
   */
  received(
    transfers: readonly SeenTransfer[],
    areOurs: (txHashes: readonly string[]) => Promise<ReadonlySet<string>>,
  ): Promise<Measured | undefined>;
  /** The block in which any node has the transaction; undefined if no node has it. */
  minedIn(txHash: string): Promise<Block | undefined>;
  /**
   * The token balances of addresses, in smallest units and in the order of `addresses`.
   *
   * @param height the block after which the balances are read; the newest if omitted
   * @throws ChainError also if the node no longer has that state
   */
  tokenBalances(currency: Stablecoin, addresses: readonly string[], height?: number): Promise<bigint[]>;
  /** The native balance of an address. */
  nativeBalance(address: string): Promise<bigint>;
}

/** A payment with its reserved nonce (EVM) or slot in the send queue (Solana, Tron). */
export interface ReservedPayment {
  /** Permanent id; for a transfer, the transfer's id. */
  readonly id: string;
  readonly intent: PaymentIntent;
  readonly sender: string;
  readonly sequence: bigint;
}

/** A transaction as it is given to the signer. It is stored before: after a lost answer the same bytes are asked for again. */
export interface UnsignedAttempt {
  /** In hexadecimal digits. */
  readonly unsigned: string;
  readonly terms: string;
}

/** A signed transaction. It is stored before it is broadcast. */
export interface SignedAttempt {
  readonly txHash: string;
  readonly raw: string;
  /** Fees and validity in the family's own encoding. A replacement must offer more. */
  readonly terms: string;
}

/** What a transaction takes of native coin. */
export interface NativeCost {
  /** The address that pays. */
  readonly payer: string;
  /** The maximum, with the coin that it sends; without what Tron charges for energy, of which an account may have its own. */
  readonly native: bigint;
}

/** What a transfer is likely to cost the treasury, in the smallest unit of the native coin. */
export interface TransferCost {
  readonly feeNative: bigint;
  /** The cost of creating an account for the receiver's tokens, beside the fee (Solana); 0 if there is one, or none is needed. */
  readonly accountNative: bigint;
}

/** The terms at which a payment can be signed now. */
export interface PreparedTerms {
  readonly terms: string;
  readonly cost: NativeCost;
  /** What the chain is likely to charge. */
  readonly likelyFeeNative: bigint;
  /** Whether it pays for an account for the receiver's tokens (Solana). */
  readonly createsAccount?: boolean;
}

/** The terms at which a payment can be signed now, or the reason why it cannot. */
export type Prepared =
  | PreparedTerms
  | {
      readonly blockedBy: BlockingReason;
      /** The native balance that the sender needs, if it has too little. */
      readonly nativeNeeded?: bigint;
    };

/** The state of a payment on its chain. */
export type PaymentState =
  /** Wait. If no node knows the newest transaction (`isKnown` is false), broadcast it again. `blockedBy`: why it is not replaced. */
  | { readonly kind: 'waiting'; readonly isKnown: boolean; readonly blockedBy?: BlockingReason }
  /** The payment may be signed again at these terms: at most one of its transactions can be mined. */
  | { readonly kind: 'stuck'; readonly terms: string }
  /** A transaction of the payment is final. */
  | {
      readonly kind: 'final';
      readonly ok: boolean;
      readonly txHash: string;
      readonly height: number;
      readonly feeNative: bigint;
    }
  /**
   * A final transaction of the payment succeeded without its movement of tokens. It may have been paid: an operator must investigate, and
   * nothing is refunded.
   */
  | { readonly kind: 'unclear'; readonly txHash: string; readonly height: number }
  /** A transaction that was not signed for this payment has used its nonce: an operator must investigate. */
  | { readonly kind: 'replaced' };

/** Why the issuer of a token would not let a transfer pass. */
export type Freeze = 'token_paused' | 'treasury_blocked' | 'receiver_blocked';

/** Sends payments from the treasury, and from deposit addresses to the treasury. */
export interface ChainSender {
  readonly treasury: string;
  /** The sender's first nonce that the chain has not used; 0 on chains without nonces. */
  nextSequence(sender: string): Promise<bigint>;
  /** On chains without nonces: whether one of the attempts is in a block, so that balances no longer include its amount. */
  isMined?(attempts: readonly SignedAttempt[]): Promise<boolean>;
  /** Whether a token's deposits can be moved by signature alone, without native coin (EIP-3009). */
  takesAuthorizations(currency: Stablecoin): Promise<boolean>;
  /**
   * Finds out whether the issuer of a token has stopped a transfer, by as many nodes as must agree.
   *
   * @returns undefined also for anything but a transfer
   */
  findFreeze(intent: PaymentIntent): Promise<Freeze | undefined>;
  /** Estimates what a transfer of a token to an address would cost now. */
  likelyCost(currency: Stablecoin, address: string): Promise<TransferCost>;
  /** Checks whether the payment could be signed now: the token would accept it, and the sender can pay for it. */
  prepare(id: string, intent: PaymentIntent): Promise<Prepared>;
  /** What a transaction of these terms takes of native coin. */
  costOf(intent: PaymentIntent, terms: string): NativeCost;
  /**
   * Decides the terms at which a signed payment can be replaced now, whatever keeps it waiting: for an operator who wants it sooner.
   * The limits of the configuration apply.
   *
   * @param attempts at least one, the oldest first
   */
  prepareReplacement(payment: ReservedPayment, attempts: readonly SignedAttempt[]): Promise<Prepared>;
  /**
   * Encodes a payment at terms from `prepare`, `prepareReplacement` or `follow`.
   *
   * @throws SignerRefusal if the signer refuses an authorization that the transaction contains
   */
  encode(payment: ReservedPayment, terms: string): Promise<UnsignedAttempt>;
  /**
   * Has a stored transaction signed. The same transaction gets the same signature.
   *
   * @param attempts the signed ones before it, the oldest first
   * @throws SignerRefusal if the signer's policy does not allow it
   */
  sign(
    payment: ReservedPayment,
    attempt: UnsignedAttempt,
    attempts: readonly SignedAttempt[],
  ): Promise<SignedAttempt>;
  /** Asks the signer what it last signed for a payment; undefined if it has no record, or one of another nonce. */
  lastSigned(payment: ReservedPayment): Promise<UnsignedAttempt | undefined>;
  /** Sends a transaction to every healthy node. Succeeds if a node has it already. */
  broadcast(attempt: SignedAttempt): Promise<void>;
  /**
   * Finds the state of a payment.
   *
   * @param attempts at least one, the oldest first
   * @param ageMs time since the newest was signed
   */
  follow(payment: ReservedPayment, attempts: readonly SignedAttempt[], ageMs: number): Promise<PaymentState>;
  /**
   * Proves that no transaction of a payment can ever land: on chains with nonces another one has used the nonce for good, on others
   * all have expired. As many nodes as must agree have to report it.
   *
   * @param attempts the oldest first; may be empty on chains with nonces
   */
  canNeverLand(payment: ReservedPayment, attempts: readonly SignedAttempt[]): Promise<boolean>;
}

/** Between how many transactions of a sender the chain has, by the nodes that were asked. */
export interface SequenceUse {
  readonly least: bigint;
  readonly most: bigint;
}

/** Reads what our own addresses have sent, for comparing it with the books. Each answer is that of as many nodes as must agree. */
export interface ChainOutflows {
  /** How many nonces of a sender are used, by pending transactions too; 0 on chains without nonces. */
  usedSequence(sender: string): Promise<SequenceUse>;
  /** The sender and the nonce of a transaction; undefined if the nodes do not have it, and on chains without nonces. */
  orderOf(txHash: string): Promise<{ readonly sender: string; readonly sequence: bigint } | undefined>;
  /** Whether every transaction that was signed while the block at a height was the newest is in a block or can never be in one. */
  hasExpiredSince(height: number): Promise<boolean>;
}

/** The health of a node. */
export interface NodeStatus {
  /** The node's host. */
  readonly name: string;
  /** Why the node is unhealthy; null if it is healthy or has not been asked yet. */
  readonly fault: string | null;
}

/** A configured chain. */
export interface ChainPort {
  readonly chain: Chain;
  readonly config: ChainConfig;
  /** How many of the smallest units make one native coin. */
  readonly nativeUnit: bigint;
  readonly reader: ChainReader;
  readonly sender: ChainSender;
  readonly outflows: ChainOutflows;
  /** The health of the chain's nodes, as last observed. */
  nodes(): readonly NodeStatus[];
  /** The token of a currency; undefined if it is not configured. */
  token(currency: string): Token | undefined;
  /** Converts an address from the registry's form to that of `WatchedAddresses`. */
  comparable(address: string): string;
  close(): Promise<void>;
}
