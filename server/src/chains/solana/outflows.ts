import { limits } from '../../platform/limits.ts';
import type { SolanaConfig } from '../config.ts';
import { ChainError } from '../errors.ts';
import { requireQuorum } from '../node-agreement.ts';
import type { ChainOutflows } from '../port.ts';
import { headerAt, type SolanaNodes } from './blocks.ts';
import { blockhashBlocks } from './transaction.ts';

/** Creates the reader of what the treasury has sent on Solana, which has no nonces. */
export function createSolanaOutflows({ agreement }: SolanaConfig, nodes: SolanaNodes): ChainOutflows {
  return {
    usedSequence: async () => ({ least: 0n, most: 0n }),
    orderOf: async () => undefined,
    async hasExpiredSince(slot) {
      const { height } = await nodes.choose();
      const expired = requireQuorum(nodes, agreement).map(async (node) => {
        const [before, now] = await Promise.all([headerAt(node, slot), headerAt(node, height)]);
        if (!before || !now) throw new ChainError(`The node has no block at slot ${slot}.`, 'unsettled');
        // Another node may have been a little further when it gave out its newest blockhash.
        return now.blockHeight > before.blockHeight + blockhashBlocks + limits.nodeLagBlocks;
      });
      return (await Promise.all(expired)).every(Boolean);
    },
  };
}
