import { bytesToHex, encodeFunctionData, type Hex, hexToBytes, serializeTransaction } from 'viem';
import { broadcastToAll } from '../broadcast.ts';
import type { EvmConfig } from '../config.ts';
import { newestOf } from '../finality.ts';
import { createContractFreezes } from '../freezes.ts';
import type { ChainSender, Prepared, ReservedPayment, SignedAttempt, UnsignedAttempt } from '../port.ts';
import { type PaymentIntent, payerOf, signingIntentOf, type TransactionSigner } from '../signing.ts';
import { requireToken } from '../tokens.ts';
import { createAuthorizations } from './authorization.ts';
import type { EvmNodes } from './blocks.ts';
import { tokenAbi } from './erc20.ts';
import { maxCost, readTerms } from './fees.ts';
import { isNonceSpentElsewhere, judgeUsedNonce } from './finality.ts';
import { callBoolean } from './freezes.ts';
import { type Call, createPricing } from './pricing.ts';
import { integer } from './responses.ts';
import { evmNonceOf } from './transaction.ts';

const alreadyMined: Prepared = {
  blockedBy: { policy: 'retry', text: 'The payment is in a block, and cannot be replaced.' },
};

/** Creates the sender of an EVM chain. */
export function createEvmSender(
  config: EvmConfig,
  nodes: EvmNodes,
  treasury: string,
  signer: TransactionSigner,
): ChainSender {
  const authorizations = createAuthorizations(config, nodes, treasury, signer);
  const pricing = createPricing(config, nodes);
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
    findFreeze: createContractFreezes(config, nodes, treasury, callBoolean),
    async likelyCost(currency, address) {
      const call = await callOf('', { kind: 'transfer', currency, address, amount: 1n });
      return { feeNative: await pricing.likelyCost(call), accountNative: 0n };
    },
    prepare: async (id, intent) => pricing.price(await callOf(id, intent)),
    costOf(intent, terms) {
      const payer = payerOf(treasury, intent);
      const sent = intent.kind === 'top_up' ? intent.amount : 0n;
      return { payer, native: sent + maxCost(readTerms(terms)) };
    },
    async prepareReplacement({ id, intent, sender, sequence }, attempts) {
      if (sequence < (await countSent(sender))) return alreadyMined;
      return pricing.raise(await callOf(id, intent), newestOf(attempts));
    },
    async encode({ id, intent, sequence }, terms) {
      const { data, to, value } = await callOf(id, intent);
      const { gas, maxFeePerGas, maxPriorityFeePerGas } = readTerms(terms);
      const unsigned = serializeTransaction({
        type: 'eip1559',
        chainId: Number(config.networkId),
        nonce: Number(sequence),
        to,
        value,
        data,
        gas,
        maxFeePerGas,
        maxPriorityFeePerGas,
      });
      return { unsigned: unsigned.slice(2), terms };
    },
    sign: (...signing) => signAttempt(config, signer, ...signing),
    lastSigned: (payment) => findLastSigned(signer, payment),
    broadcast: (attempt) => broadcast(nodes, attempt),
    async follow({ id, intent, sender, sequence }, attempts, ageMs) {
      const sent = await countSent(sender);
      if (sequence < sent) return judgeUsedNonce(config, nodes, treasury, intent, attempts);
      // Later nonces wait for the first: only that one can need a higher fee.
      const isOverdue = sequence === sent && ageMs > config.gas.bumpAfterMs;
      return pricing.followUnmined(newestOf(attempts), isOverdue, () => callOf(id, intent));
    },
    canNeverLand: (payment, attempts) => isNonceSpentElsewhere(config, nodes, payment, attempts),
  };
}

async function signAttempt(
  { chain }: EvmConfig,
  signer: TransactionSigner,
  { id, intent }: ReservedPayment,
  { terms, unsigned }: UnsignedAttempt,
  attempts: readonly SignedAttempt[],
): Promise<SignedAttempt> {
  const signed = await signer.sign({
    chain,
    reference: id,
    intent: signingIntentOf(intent),
    unsigned: hexToBytes(`0x${unsigned}`),
    terms,
    replaces: attempts.at(-1)?.txHash,
  });
  return { txHash: signed.id, raw: bytesToHex(signed.transaction), terms };
}

/** A transaction of another nonce is none of the reserved payment. */
async function findLastSigned(
  signer: TransactionSigner,
  { id, sequence }: ReservedPayment,
): Promise<UnsignedAttempt | undefined> {
  const found = await signer.lastSigned(id);
  if (!found || evmNonceOf(found.unsigned) !== sequence) return undefined;
  return { unsigned: bytesToHex(found.unsigned).slice(2), terms: found.terms };
}

function transferData(to: string, amount: bigint): Hex {
  return encodeFunctionData({ abi: tokenAbi, functionName: 'transfer', args: [to as Hex, amount] });
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
