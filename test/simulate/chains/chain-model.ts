import type { Node } from '../../../server/src/chains/node.ts';

/** The chains that there are models of. */
export const simulatedChains = ['base', 'tron'] as const;
export type SimulatedChain = (typeof simulatedChains)[number];

/** Money that a stranger sent to a wallet. */
export interface SentDeposit {
  readonly txHash: string;
  readonly to: string;
  readonly amountMinor: bigint;
}

/** What a node does instead of answering truthfully. */
export const lies = [
  'down',
  'stale head',
  'no logs',
  'wrong balances',
  'wrong nonce',
  'no receipts',
  'receipts without logs',
  'failed receipts',
] as const;

export type Lie = (typeof lies)[number];

/** A node of a model: it answers without delay, truthfully unless it is told otherwise. */
export interface ModelNode extends Node {
  lie: Lie | undefined;
}

/** A model of a chain: the only truth about what was paid and what arrived. Addresses are in the form of its own transfers. */
export interface ChainModel {
  readonly nodes: readonly ModelNode[];
  /** The height of the newest block. */
  height(): number;
  /** Makes a block of what waits. */
  mine(): void;
  /**
   * Replaces the newest blocks by as many others and one more. What was in them waits again.
   *
   * @param vanishes whether a transaction that was in them is forgotten: a deposit for good, and a payment until it is sent again
   */
  reorganise(depth: number, vanishes: (txHash: string) => boolean): void;
  /** A stranger sends tokens. */
  deposit(to: string, amountMinor: bigint): string;
  /** Gives an address coin for fees, from the first block on. */
  fund(address: string): void;
  /** What others sent, on the chain as it is. */
  deposits(): readonly SentDeposit[];
  /** What the treasury paid to an address on the chain as it is, payment by payment. */
  paidTo(address: string): readonly bigint[];
  /** The treasury's payments on the chain as it is: their transactions and receivers. */
  payments(): readonly { readonly txHash: string; readonly to: string }[];
  /** The transaction that used a nonce of the treasury; undefined on chains without nonces. */
  transactionOf(nonce: bigint): string | undefined;
  /** An address that nobody has the key of, from 20 bytes. */
  addressOf(bytes: Uint8Array): string;
  comparable(address: string): string;
  /** Every block's price of gas from now on, as a multiple of the usual one. Has no effect on chains with fixed prices. */
  setFees(factor: number): void;
  /** The token's issuer blocks an address. */
  freeze(address: string): void;
}
