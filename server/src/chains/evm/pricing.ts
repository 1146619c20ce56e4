import { type Hex, hexToBytes, serializeTransaction } from 'viem';
import type { EvmConfig } from '../config.ts';
import { ChainError } from '../errors.ts';
import type { Node } from '../node.ts';
import { askUntilAgreed } from '../node-agreement.ts';
import type { PaymentState, Prepared, SignedAttempt } from '../port.ts';
import type { EvmNodes } from './blocks.ts';
import {
  type FeeMarket,
  firstFees,
  firstTip,
  higherFees,
  isPricedOut,
  likelyFee,
  maxCost,
  readTerms,
  type StoredTerms,
  writeTerms,
} from './fees.ts';
import { readL1Fee } from './l1-fee.ts';
import { createMarket } from './market.ts';
import { quantity } from './responses.ts';

/** What a transaction does, without its nonce and fees. */
export interface Call {
  readonly from: string;
  readonly to: Hex;
  readonly value: bigint;
  readonly data: Hex;
}

/** The prices of an EVM chain's transactions, within the limits of the configuration. */
export interface Pricing {
  /** The terms of a new transaction; blocked if the contract refuses it, or if its sender cannot pay for it. */
  price(call: Call): Promise<Prepared>;
  /** What a transfer is likely to cost, whatever its receiver is, in wei. */
  likelyCost(call: Call): Promise<bigint>;
  /** The terms of a transaction that replaces another one at a higher fee. */
  raise(call: Call, newest: SignedAttempt): Promise<Prepared>;
  /**
   * The state of a transaction that is in no block. It is replaced only if its price explains that.
   *
   * @param isOverdue whether it has waited long enough for a replacement
   */
  followUnmined(
    newest: SignedAttempt,
    isOverdue: boolean,
    callOf: () => Promise<Call>,
  ): Promise<PaymentState>;
}

/** The gas of a transfer of USDC to an address that has none yet. */
const transferGas = 65_000n;

const contractRefuses: Prepared = {
  blockedBy: {
    policy: 'refuse',
    text: 'The token contract refuses it.',
    clientText: 'The token contract refuses it.',
  },
};
const aboveMaxFee: Prepared = {
  blockedBy: { policy: 'retry', text: 'The gas price exceeds gas.maxFeeGwei, or the fee signing.maxFee.' },
};
const atItsLimit: Prepared = {
  blockedBy: {
    policy: 'retry',
    text: 'A higher fee would exceed gas.maxFeeGwei, gas.maxPriorityFeeGwei or signing.maxFee.',
  },
};

/** Creates the pricing of a chain. */
export function createPricing(config: EvmConfig, nodes: EvmNodes): Pricing {
  const readMarket = createMarket(nodes);
  const limitFor = async (call: Call, gas: bigint) => {
    const l1FeeWei = await readL1Fee(config, nodes, lengthOf(config, call), gas);
    return { maxFeeNative: config.signing.maxFeeNative, l1FeeWei };
  };
  const raise = async (call: Call, newest: SignedAttempt): Promise<Prepared> => {
    const before = readTerms(newest.terms);
    const head = await nodes.choose();
    const limit = await limitFor(call, before.gas);
    const market = await readMarket(head);
    const terms = higherFees(before, market, config.gas, limit);
    if (!terms) return atItsLimit;
    const { l1FeeWei } = limit;
    return requireBalance(nodes, call, { ...terms, l1FeeWei, height: head.height }, market);
  };
  return {
    async price(call) {
      const head = await nodes.choose();
      const estimated = await estimateGas(nodes, call);
      if (estimated === undefined) return requireAgreedRefusal(config, nodes, call);
      const gas = estimated + estimated / 4n;
      const [limit, market] = await Promise.all([limitFor(call, gas), readMarket(head)]);
      const terms = firstFees(market, gas, config.gas, limit);
      if (!terms) return aboveMaxFee;
      const { l1FeeWei } = limit;
      return requireBalance(nodes, call, { ...terms, l1FeeWei, height: head.height }, market);
    },
    async likelyCost(call) {
      const head = await nodes.choose();
      const { l1FeeWei } = await limitFor(call, transferGas);
      const market = await readMarket(head);
      return transferGas * (market.baseFeeWei + firstTip(market, config.gas)) + l1FeeWei;
    },
    raise,
    async followUnmined(newest, isOverdue, callOf) {
      const { txHash } = newest;
      const isKnown = await nodes.call('eth_getTransactionByHash', [txHash], (found) => found !== null);
      if (!isOverdue) return { kind: 'waiting', isKnown };
      const market = await readMarket(await nodes.choose());
      if (!isPricedOut(readTerms(newest.terms), market)) return { kind: 'waiting', isKnown };
      const raised = await raise(await callOf(), newest);
      if ('terms' in raised) return { kind: 'stuck', terms: raised.terms };
      return { kind: 'waiting', isKnown, blockedBy: raised.blockedBy };
    },
  };
}

/** A refusal counts if as many nodes as must agree report it. @throws ChainError otherwise */
async function requireAgreedRefusal(config: EvmConfig, nodes: EvmNodes, call: Call): Promise<Prepared> {
  const ask = async (node: Node): Promise<boolean> => (await estimateGas(node, call)) === undefined;
  const isRefused = await askUntilAgreed(nodes, config.agreement, ask, String, 'a call of a token contract');
  if (isRefused) return contractRefuses;
  throw new ChainError('The nodes disagree about a call of a token contract.', 'unsettled');
}

/** @returns undefined if the call would revert */
async function estimateGas(nodes: Pick<Node, 'call'>, { value, ...call }: Call): Promise<bigint | undefined> {
  const transaction = { ...call, value: `0x${value.toString(16)}` };
  try {
    return await nodes.call('eth_estimateGas', [transaction], quantity);
  } catch (error) {
    // Nodes word this differently; a rejection without "revert" is not about the contract.
    const isRejected = error instanceof ChainError && error.kind === 'rejected';
    if (isRejected && /revert/i.test(error.message)) return undefined;
    throw error;
  }
}

/** Checks that the sender of a call has the native coin for its maximum cost. */
async function requireBalance(
  nodes: EvmNodes,
  { from, value }: Call,
  terms: StoredTerms,
  market: FeeMarket,
): Promise<Prepared> {
  const native = value + maxCost(terms);
  const balance = await nodes.call('eth_getBalance', [from, 'latest'], quantity);
  if (balance >= native) {
    const likelyFeeNative = likelyFee(terms, market) + terms.l1FeeWei;
    return { terms: writeTerms(terms), cost: { payer: from, native }, likelyFeeNative };
  }
  const text = `${from} has too little native coin to pay for gas.`;
  return { blockedBy: { policy: 'retry', text }, nativeNeeded: native };
}

/** The length of a call's unsigned transaction in bytes, whatever its nonce and fees are. */
function lengthOf({ networkId }: EvmConfig, { data, to, value }: Call): number {
  const most = 2n ** 64n;
  const fees = { gas: most, maxFeePerGas: most, maxPriorityFeePerGas: most, nonce: Number.MAX_SAFE_INTEGER };
  const call = { type: 'eip1559', chainId: Number(networkId), to, value, data } as const;
  return hexToBytes(serializeTransaction({ ...call, ...fees })).length;
}
