import { limits } from '../../platform/limits.ts';
import type { TronConfig } from '../config.ts';
import { ChainError } from '../errors.ts';
import { requireQuorum } from '../node-agreement.ts';
import type { ChainOutflows } from '../port.ts';
import { headerAt, type TronNodes } from './blocks.ts';

/** The time between two blocks. */
const blockMs = 3000;

/** Creates the reader of what the treasury has sent on Tron, which has no nonces. */
export function createTronOutflows({ agreement }: TronConfig, nodes: TronNodes): ChainOutflows {
  return {
    usedSequence: async () => ({ least: 0n, most: 0n }),
    orderOf: async () => undefined,
    async hasExpiredSince(height) {
      const head = await nodes.choose();
      const expired = requireQuorum(nodes, agreement).map(async (node) => {
        const [before, now] = await Promise.all([headerAt(node, height), headerAt(node, head.height)]);
        if (!before || !now) throw new ChainError(`The node has no block ${height}.`, 'unsettled');
        // Another node may have been a little further when a transaction was signed.
        const marginMs = limits.nodeLagBlocks * blockMs;
        return now.timestampMs >= before.timestampMs + limits.tronExpirationMs + marginMs;
      });
      return (await Promise.all(expired)).every(Boolean);
    },
  };
}
