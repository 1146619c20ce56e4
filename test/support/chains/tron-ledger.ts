import { createHash } from 'node:crypto';
import type { WireTransaction } from './tron-wire.ts';

/** A small chain of Tron: blocks of three seconds, accounts, tokens, and what transactions cost. */

/** The mainnet's first block: its token is the one that the server knows. */
export const mainnet = '00000000000000001ebf88508a03865c71d452e25f4d51194196a1d22b6653dc';
export const usdt = 'TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t';

/** As the mainnet has them (recorded.json, `parameters`), and what its USDT takes. */
export const prices = { energySun: 280, bandwidthSun: 1000, newAccountSun: 1_100_000 } as const;
const energy = { knownReceiver: 64_285, newReceiver: 130_285 } as const;
const freeBandwidth = 600;
const blockMs = 3000;
const epochMs = 1_763_000_000_000;

/** A transfer of a token that somebody else makes. */
export interface Payment {
  readonly token: string;
  readonly from: string;
  readonly to: string;
  readonly amount: bigint;
  readonly result: 'SUCCESS' | 'REVERT' | 'OUT_OF_ENERGY';
}

export type Item =
  | { readonly kind: 'signed'; readonly id: string; readonly wire: WireTransaction }
  | { readonly kind: 'payments'; readonly id: string; readonly payments: readonly Payment[] };

/** What became of a transaction. */
export interface Result {
  readonly item: Item;
  readonly result: 'SUCCESS' | 'REVERT' | 'OUT_OF_ENERGY' | undefined;
  readonly feeSun: number;
  readonly energy: number;
  readonly bandwidth: number;
  readonly transfers: readonly Omit<Payment, 'result'>[];
}

export interface ChainBlock {
  readonly number: number;
  readonly id: string;
  readonly parentId: string;
  readonly timestampMs: number;
  readonly results: readonly Result[];
}

interface State {
  readonly tokens: Map<string, bigint>;
  readonly sun: Map<string, number>;
  readonly bandwidth: Map<string, number>;
}

export interface TronLedger {
  readonly blocks: readonly ChainBlock[];
  /** Waits for the next block. */
  readonly pending: readonly Item[];
  head(): ChainBlock;
  /** Whether the tokens' issuers have paused them. */
  isPaused: boolean;
  /** The addresses that the tokens' issuers have blocked. */
  readonly frozen: ReadonlySet<string>;
  /** What may not be executed as it should: taken from the front, one for each signed transfer of a token. */
  readonly failures: ('REVERT' | 'OUT_OF_ENERGY')[];
  add(item: Item): void;
  mine(count?: number): void;
  /**
   * Replaces the newest blocks by as many others and one more. What is not gone waits again.
   *
   * @param isGone by default what was signed waits again, and what others paid is gone
   */
  fork(depth: number, isGone?: (id: string, kind: Item['kind']) => boolean): void;
  /** Refuses every transfer of a token from or to an address, as its issuer can. */
  freeze(address: string): void;
  thaw(address: string): void;
  giveSun(address: string, sun: number): void;
  /** Tokens that were always there: no transaction tells of them. */
  giveToken(token: string, address: string, amount: bigint): void;
  tokenOf(token: string, address: string): bigint;
  /** Undefined when there is no such account. */
  sunOf(address: string): number | undefined;
  freeBandwidthOf(address: string): number;
  energyFor(token: string, to: string): number;
  /** Where a transaction is. */
  find(id: string): { readonly block: ChainBlock; readonly result: Result } | undefined;
}

const keyOf = (token: string, address: string): string => `${token}/${address}`;

/** @param firstId the id of the first block */
export function createTronLedger(firstId: string): TronLedger {
  let state: State = { tokens: new Map(), sun: new Map(), bandwidth: new Map() };
  const states: State[] = [];
  const blocks: ChainBlock[] = [{ number: 0, id: firstId, parentId: '', timestampMs: 0, results: [] }];
  const places = new Map<string, ChainBlock>();
  const failures: ('REVERT' | 'OUT_OF_ENERGY')[] = [];
  const frozen = new Set<string>();
  let pending: Item[] = [];
  let branch = 0;
  states.push(copy(state));

  const head = (): ChainBlock => blocks.at(-1) as ChainBlock;
  const held = (token: string, address: string): bigint => state.tokens.get(keyOf(token, address)) ?? 0n;
  const move = ({ amount, from, to, token }: Omit<Payment, 'result'>): void => {
    state.tokens.set(keyOf(token, from), held(token, from) - amount);
    state.tokens.set(keyOf(token, to), held(token, to) + amount);
  };
  const energyFor = (token: string, to: string): number =>
    held(token, to) > 0n ? energy.knownReceiver : energy.newReceiver;
  const takeBandwidth = (address: string, bytes: number): number => {
    const used = state.bandwidth.get(address) ?? 0;
    if (used + bytes > freeBandwidth) return bytes * prices.bandwidthSun;
    state.bandwidth.set(address, used + bytes);
    return 0;
  };

  const executeSigned = (item: Item & { kind: 'signed' }): Result => {
    const { amount, bytes, contract, feeLimitSun, from, to } = item.wire;
    const bandwidth = bytes + 64;
    const netFee = takeBandwidth(from, bandwidth);
    const sun = (state.sun.get(from) ?? 0) - netFee;
    const done = (result: Result['result'], used: number, feeSun: number, isMoved: boolean): Result => {
      state.sun.set(from, (state.sun.get(from) ?? 0) - feeSun);
      const transfers = isMoved && contract !== undefined ? [{ token: contract, from, to, amount }] : [];
      for (const transfer of transfers) move(transfer);
      return { item, result, feeSun, energy: used, bandwidth, transfers };
    };
    if (contract === undefined) {
      const account = state.sun.has(to) ? 0 : prices.newAccountSun;
      state.sun.set(from, (state.sun.get(from) ?? 0) - Number(amount));
      state.sun.set(to, (state.sun.get(to) ?? 0) + Number(amount));
      return done(undefined, 0, netFee + account, false);
    }
    const needed = energyFor(contract, to);
    const affordable = Math.floor(Math.min(feeLimitSun, sun) / prices.energySun);
    const failure = failures.shift();
    if (needed > affordable || failure === 'OUT_OF_ENERGY') {
      const used = Math.min(needed, affordable);
      return done('OUT_OF_ENERGY', used, netFee + used * prices.energySun, false);
    }
    const isFrozen = ledger.isPaused || frozen.has(from) || frozen.has(to);
    const isReverted = failure === 'REVERT' || isFrozen || held(contract, from) < amount;
    return done(isReverted ? 'REVERT' : 'SUCCESS', needed, netFee + needed * prices.energySun, !isReverted);
  };

  const executeOthers = (item: Item & { kind: 'payments' }): Result => {
    const failed = item.payments.find(({ result }) => result !== 'SUCCESS');
    // A node that tells of what has not happened is to be disbelieved: the transfers are told of all the same.
    if (!failed) for (const payment of item.payments) move(payment);
    const result = failed?.result ?? 'SUCCESS';
    return { item, result, feeSun: 0, energy: 14_631, bandwidth: 345, transfers: item.payments };
  };

  const makeBlock = (lateMs = 0): void => {
    const parent = head();
    const fresh = pending.filter(
      (item) => item.kind === 'payments' || item.wire.expirationMs > parent.timestampMs,
    );
    pending = [];
    const number = parent.number + 1;
    const results = fresh.map((item) => (item.kind === 'signed' ? executeSigned(item) : executeOthers(item)));
    const content = [parent.id, branch, ...fresh.map(({ id }) => id)].join();
    const hash = createHash('sha256').update(content).digest('hex');
    const block: ChainBlock = {
      number,
      id: number.toString(16).padStart(16, '0') + hash.slice(16),
      parentId: parent.id,
      timestampMs: (parent.timestampMs || epochMs) + blockMs + lateMs,
      results,
    };
    for (const { id } of fresh) places.set(id, block);
    blocks.push(block);
    states.push(copy(state));
  };

  const ledger: TronLedger = {
    blocks,
    get pending() {
      return pending;
    },
    head,
    isPaused: false,
    frozen,
    failures,
    add: (item) => void pending.push(item),
    mine(count = 1) {
      for (let made = 0; made < count; made += 1) makeBlock();
    },
    fork(depth, isGone = (_, kind) => kind === 'payments') {
      const gone = blocks.splice(-depth);
      states.splice(-depth);
      state = copy(states.at(-1) as State);
      branch += 1;
      const items = gone.flatMap(({ results }) => results.map(({ item }) => item));
      for (const { id } of items) places.delete(id);
      pending.unshift(...items.filter(({ id, kind }) => !isGone(id, kind)));
      // Another branch is made by other producers, at other times.
      for (let made = 0; made <= depth; made += 1) makeBlock(made === 0 ? blockMs : 0);
    },
    freeze: (address) => void frozen.add(address),
    thaw: (address) => void frozen.delete(address),
    giveSun(address, sun) {
      for (const known of [state, ...states]) known.sun.set(address, (known.sun.get(address) ?? 0) + sun);
    },
    giveToken(token, address, amount) {
      const key = keyOf(token, address);
      for (const known of [state, ...states]) known.tokens.set(key, (known.tokens.get(key) ?? 0n) + amount);
    },
    tokenOf: held,
    sunOf: (address) => state.sun.get(address),
    freeBandwidthOf: (address) => state.bandwidth.get(address) ?? 0,
    energyFor,
    find(id) {
      const block = places.get(id);
      const result = block?.results.find(({ item }) => item.id === id);
      return block && result && { block, result };
    },
  };
  return ledger;
}

function copy({ bandwidth, sun, tokens }: State): State {
  return { tokens: new Map(tokens), sun: new Map(sun), bandwidth: new Map(bandwidth) };
}
