import { bytesToHex, type Hex, hexToBytes, serializeTransaction } from 'viem';
import type { SignRequest } from '../signing.ts';
import type { Signer } from '../../custody/signer.ts';
import type { EvmConfig } from '../config.ts';
import { RpcError } from '../node.ts';
import {
  ChainError,
  type ChainSender,
  type PaymentIntent,
  type Prepared,
  type SignedAttempt,
} from '../port.ts';
import type { EvmNodes } from './blocks.ts';
import { createCallMaker } from './calls.ts';
import { firstFees, higherFees, readTerms, writeTerms } from './fees.ts';
import { findFinal } from './finality.ts';
import { count, quantity } from './responses.ts';

const tooDear = 'Gas is dearer than gas.maxFeeGwei allows.';

/** Sends from the treasury of an EVM chain, and from deposit addresses into it. */
export function createEvmSender(
  config: EvmConfig,
  nodes: EvmNodes,
  treasury: string,
  signer: Pick<Signer, 'sign' | 'signAuthorization'>,
): ChainSender {
  const calls = createCallMaker(config, nodes, treasury, signer);
  const sentCount = (sender: string): Promise<number> =>
    nodes.call('eth_getTransactionCount', [sender, 'latest'], count);
  const senderOf = (intent: PaymentIntent): string => (intent.kind === 'sweep' ? intent.address : treasury);

  return {
    treasury,
    takesAuthorizations: (currency) => calls.takesAuthorizations(currency),
    nextSequence: async (sender) => BigInt(await sentCount(sender)),
    async prepare(id, intent) {
      const { baseFeeWei } = await nodes.choose();
      const { value, ...call } = await calls.callOf(id, intent);
      const estimated = await estimateGas(nodes, { ...call, value: `0x${value.toString(16)}` });
      if (estimated === undefined) return { obstacle: 'The token contract refuses it.', isRefused: true };
      const terms = firstFees(baseFeeWei, estimated + estimated / 4n, config.gas);
      if (!terms) return { obstacle: tooDear, isRefused: false };
      return coversFee(nodes, senderOf(intent), value + terms.gas * terms.maxFeePerGas, writeTerms(terms));
    },
    async sign({ id, intent, sequence }, terms) {
      const { data, to, value } = await calls.callOf(id, intent);
      const unsigned = serializeTransaction({
        type: 'eip1559',
        chainId: Number(config.networkId),
        nonce: Number(sequence),
        to,
        value,
        data,
        ...readTerms(terms),
      });
      const request = {
        chain: config.chain,
        reference: id,
        intent: signedIntent(intent),
        unsigned: hexToBytes(unsigned),
      };
      const { id: txHash, transaction } = await signer.sign(request);
      return { txHash, raw: bytesToHex(transaction), terms };
    },
    broadcast: (attempt) => broadcast(nodes, attempt),
    async follow({ sender, sequence }, attempts, ageMs) {
      const sent = BigInt(await sentCount(sender));
      if (sequence < sent) return findFinal(config, nodes, attempts);
      const last = attempts.at(-1);
      // What comes later in the order waits for what is first in it.
      if (sequence === sent && last && ageMs > config.gas.bumpAfterMs) {
        const { baseFeeWei } = await nodes.choose();
        const terms = higherFees(readTerms(last.terms), baseFeeWei, config.gas);
        if (terms) return { kind: 'stuck', terms: writeTerms(terms) };
      }
      const isKnown =
        last !== undefined &&
        (await nodes.call('eth_getTransactionByHash', [last.txHash], (found) => found !== null));
      return { kind: 'waiting', isKnown };
    },
  };
}

/** The same intent in the signer's words. */
function signedIntent(intent: PaymentIntent): SignRequest['intent'] {
  switch (intent.kind) {
    case 'transfer':
      return {
        kind: 'transfer',
        token: intent.currency,
        amountMinor: intent.amount,
        destination: intent.address,
        proof: intent.proof,
      };
    case 'top_up':
      return { kind: 'top_up', amountNative: intent.amount, index: intent.index };
    default:
      return { kind: intent.kind, token: intent.currency, amountMinor: intent.amount, index: intent.index };
  }
}

/** @returns undefined when the call would fail */
async function estimateGas(
  nodes: EvmNodes,
  call: { from: string; to: Hex; data: Hex; value: string },
): Promise<bigint | undefined> {
  try {
    return await nodes.call('eth_estimateGas', [call], quantity);
  } catch (error) {
    // Nodes say so in words of their own; whatever else they refuse is their own trouble.
    if (error instanceof RpcError && /revert/i.test(error.message)) return undefined;
    throw error;
  }
}

async function coversFee(nodes: EvmNodes, payer: string, cost: bigint, terms: string): Promise<Prepared> {
  const balance = await nodes.call('eth_getBalance', [payer, 'latest'], quantity);
  if (balance >= cost) return { terms };
  const obstacle = `${payer} has too few native coins to pay for gas.`;
  return { obstacle, isRefused: false, nativeNeeded: cost };
}

/** One node that takes it is enough; the more it is offered to, the sooner it gets into a block. */
async function broadcast(nodes: EvmNodes, attempt: SignedAttempt): Promise<void> {
  const results = await Promise.allSettled(
    nodes.usable().map((node) => node.call('eth_sendRawTransaction', [attempt.raw], String)),
  );
  const isHarmless = ({ reason }: PromiseRejectedResult): boolean =>
    /already known|already imported|nonce too low|known transaction/i.test(String(reason?.message));
  const isTaken = results.some((result) => result.status === 'fulfilled' || isHarmless(result));
  if (isTaken) return;
  const refused = results.find((result) => result.status === 'rejected');
  throw refused?.reason ?? new ChainError('No node is of use now.');
}
