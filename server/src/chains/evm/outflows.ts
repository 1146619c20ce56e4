import type { EvmConfig } from '../config.ts';
import { fields } from '../decoding.ts';
import { ChainError } from '../errors.ts';
import type { Node } from '../node.ts';
import { requireQuorum } from '../node-agreement.ts';
import type { ChainOutflows } from '../port.ts';
import type { EvmNodes } from './blocks.ts';
import { bytes, integer } from './responses.ts';

/** Creates the reader of what our addresses have sent on an EVM chain: each transaction uses the next nonce of its sender. */
export function createEvmOutflows({ agreement }: EvmConfig, nodes: EvmNodes): ChainOutflows {
  return {
    async usedSequence(sender) {
      const counts = await Promise.all(
        requireQuorum(nodes, agreement).map((node) => countUsed(node, sender)),
      );
      const sorted = counts.sort((a, b) => a - b);
      return { least: BigInt(sorted[0] ?? 0), most: BigInt(sorted.at(-1) ?? 0) };
    },
    async orderOf(txHash) {
      const found = await Promise.all(
        requireQuorum(nodes, agreement).map((node) =>
          node.call('eth_getTransactionByHash', [txHash], transactionOrder),
        ),
      );
      const [first] = found;
      if (found.some((other) => other?.sender !== first?.sender || other?.sequence !== first?.sequence)) {
        throw new ChainError(`The nodes disagree about the transaction ${txHash}.`, 'unsettled');
      }
      return first;
    },
    // A nonce that is not used stays usable for ever.
    hasExpiredSince: async () => true,
  };
}

/** A node that knows pending transactions counts them too; one that does not counts those in blocks. */
async function countUsed(node: Node, sender: string): Promise<number> {
  const [mined, pending] = await Promise.all(
    ['latest', 'pending'].map((tag) => node.call('eth_getTransactionCount', [sender, tag], integer)),
  );
  return Math.max(mined ?? 0, pending ?? 0);
}

/** Decodes who sent a transaction, and with which nonce; undefined if the node does not have it. */
function transactionOrder(value: unknown): { sender: string; sequence: bigint } | undefined {
  if (value === null) return undefined;
  const { from, nonce } = fields(value, 'a transaction');
  return { sender: bytes(from, 20), sequence: BigInt(integer(nonce)) };
}
