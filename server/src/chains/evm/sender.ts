import { bytesToHex, encodeFunctionData, type Hex, hexToBytes, serializeTransaction } from 'viem';
import { broadcastToAll } from '../broadcast.ts';
import type { EvmConfig } from '../config.ts';
import { ChainError } from '../errors.ts';
import { newestOf } from '../finality.ts';
import type { ChainSender, PaymentState, Prepared, SignedAttempt } from '../port.ts';
import { type PaymentIntent, signingIntentOf, type TransactionSigner } from '../signing.ts';
import { requireToken } from '../tokens.ts';
import { createAuthorizations } from './authorization.ts';
import type { EvmNodes } from './blocks.ts';
import { tokenAbi } from './erc20.ts';
import { firstFees, higherFees, readTerms, writeTerms } from './fees.ts';
import { isNonceSpentElsewhere, judgeUsedNonce } from './finality.ts';
import { integer, quantity } from './responses.ts';

/** What a transaction does, without its nonce and fees. */
interface Call {
  readonly from: string;
  readonly to: Hex;
  readonly value: bigint;
  readonly data: Hex;
}

const contractRefuses: Prepared = {
  blockedBy: {
    policy: 'refuse',
    text: 'The token contract refuses it.',
    clientText: 'The token contract refuses it.',
  },
};
const aboveMaxFee: Prepared = {
  blockedBy: { policy: 'retry', text: 'The gas price exceeds gas.maxFeeGwei.' },
};

/** Creates the sender of an EVM chain. */
export function createEvmSender(
  config: EvmConfig,
  nodes: EvmNodes,
  treasury: string,
  signer: TransactionSigner,
): ChainSender {
  const authorizations = createAuthorizations(config, nodes, treasury, signer);
  const countSent = async (sender: string): Promise<bigint> =>
    BigInt(await nodes.call('eth_getTransactionCount', [sender, 'latest'], integer));

  const callOf = async (id: string, intent: PaymentIntent): Promise<Call> => {
    const { address, amount } = intent;
    if (intent.kind === 'top_up') return { from: treasury, to: address as Hex, value: amount, data: '0x' };
    if (intent.kind === 'nonce_fill') return { from: address, to: address as Hex, value: 0n, data: '0x' };
    if (intent.kind === 'deposit_return') {
      return { from: intent.from, to: intent.token as Hex, value: 0n, data: transferData(address, amount) };
    }
    const to = requireToken(config, intent.currency).address as Hex;
    switch (intent.kind) {
      case 'transfer':
        return { from: treasury, to, value: 0n, data: transferData(address, amount) };
      case 'sweep':
        return { from: address, to, value: 0n, data: transferData(treasury, amount) };
      case 'authorised_sweep':
        return { from: treasury, to, value: 0n, data: await authorizations.callData(id, intent) };
    }
  };

  return {
    treasury,
    takesAuthorizations: (currency) => authorizations.areTakenBy(currency),
    nextSequence: countSent,
    async prepare(id, intent) {
      const { baseFeeWei } = await nodes.choose();
      const call = await callOf(id, intent);
      const gas = await estimateGas(nodes, call);
      if (gas === undefined) return contractRefuses;
      const terms = firstFees(baseFeeWei, gas + gas / 4n, config.gas);
      if (!terms) return aboveMaxFee;
      return requireBalance(nodes, call.from, call.value + terms.gas * terms.maxFeePerGas, writeTerms(terms));
    },
    async sign({ id, intent, sequence }, terms) {
      const { data, to, value } = await callOf(id, intent);
      const unsigned = serializeTransaction({
        type: 'eip1559',
        chainId: Number(config.networkId),
        nonce: Number(sequence),
        to,
        value,
        data,
        ...readTerms(terms),
      });
      const signed = await signer.sign({
        chain: config.chain,
        reference: id,
        intent: signingIntentOf(intent),
        unsigned: hexToBytes(unsigned),
      });
      return { txHash: signed.id, raw: bytesToHex(signed.transaction), terms };
    },
    broadcast: (attempt) => broadcast(nodes, attempt),
    async follow({ sender, sequence }, attempts, ageMs) {
      const sent = await countSent(sender);
      if (sequence < sent) return judgeUsedNonce(config, nodes, attempts);
      // Later nonces wait for the first: only that one needs a higher fee.
      const isFirst = sequence === sent;
      return followUnmined(config, nodes, attempts, isFirst && ageMs > config.gas.bumpAfterMs);
    },
    canNeverLand: ({ sender, sequence }, attempts) =>
      isNonceSpentElsewhere(config, nodes, { sender, sequence }, attempts),
    async raisedTerms(attempts, fresh) {
      const { baseFeeWei } = await nodes.choose();
      const terms = higherFees(readTerms(newestOf(attempts).terms), baseFeeWei, config.gas);
      if (!terms) return undefined;
      return writeTerms(fresh === undefined ? terms : { ...terms, gas: readTerms(fresh).gas });
    },
  };
}

/** The state of a payment that is in no block. @param isOverdue whether to replace it at a higher fee */
async function followUnmined(
  config: EvmConfig,
  nodes: EvmNodes,
  attempts: readonly SignedAttempt[],
  isOverdue: boolean,
): Promise<PaymentState> {
  const newest = newestOf(attempts);
  if (isOverdue) {
    const { baseFeeWei } = await nodes.choose();
    const terms = higherFees(readTerms(newest.terms), baseFeeWei, config.gas);
    if (terms) return { kind: 'stuck', terms: writeTerms(terms) };
  }
  const isKnown = await nodes.call('eth_getTransactionByHash', [newest.txHash], (found) => found !== null);
  return { kind: 'waiting', isKnown };
}

function transferData(to: string, amount: bigint): Hex {
  return encodeFunctionData({ abi: tokenAbi, functionName: 'transfer', args: [to as Hex, amount] });
}

/** @returns undefined if the call would revert */
async function estimateGas(nodes: EvmNodes, { value, ...call }: Call): Promise<bigint | undefined> {
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

async function requireBalance(
  nodes: EvmNodes,
  payer: string,
  cost: bigint,
  terms: string,
): Promise<Prepared> {
  const balance = await nodes.call('eth_getBalance', [payer, 'latest'], quantity);
  if (balance >= cost) return { terms };
  const text = `${payer} has too little native coin to pay for gas.`;
  return { blockedBy: { policy: 'retry', text }, nativeNeeded: cost };
}

/** Nodes that have the transaction already, or one that used its nonce, reject it in these words. */
const harmless = /already known|already imported|nonce too low|known transaction/i;

async function broadcast(nodes: EvmNodes, attempt: SignedAttempt): Promise<void> {
  await broadcastToAll(nodes, async (node) => {
    try {
      await node.call('eth_sendRawTransaction', [attempt.raw], String);
    } catch (error) {
      if (!harmless.test(String((error as Error).message))) throw error;
    }
  });
}
