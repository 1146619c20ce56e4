import type { ChainPort } from '../chains/port.ts';
import type { Worker } from '../platform/worker-loop.ts';
import type { Pool } from '../store/pool.ts';
import { leaveChain } from './cursor.ts';

/**
 * Lets a worker leave its chain when it ends. Another one of this process on the same chain may still be in its last turn and take it
 * again, for a lease at most.
 */
export function leavingAtEnd(
  worker: Worker,
  { holder, pool, port }: { readonly holder: string; readonly pool: Pool; readonly port: ChainPort },
): Worker {
  return {
    ...worker,
    async stop() {
      await worker.stop();
      await leaveChain(pool, port.chain, holder);
    },
  };
}
