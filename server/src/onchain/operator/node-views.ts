import type { ChainConfig } from '../../chains/config.ts';
import { ChainError } from '../../chains/errors.ts';
import { openChain } from '../../chains/families.ts';
import type { AttemptView } from './payment-view.ts';

/** What one node says about a payment. */
export interface NodeView {
  /** The node's host. */
  readonly name: string;
  /** Why it says nothing; null if it answers. */
  readonly fault: string | null;
  readonly head: number | null;
  /** The sender's first nonce that the node's chain has not used; 0 on chains without nonces. */
  readonly nextNonce: string | null;
  /** Which of the transactions is in which block. */
  readonly landed: string | null;
}

/** What is asked about. */
interface Asked {
  readonly sender: string | null;
  readonly attempts: readonly AttemptView[];
  readonly voids: readonly AttemptView[];
}

/** Asks every node of a chain by itself about a payment. */
export async function readNodeViews(config: ChainConfig, asked: Asked): Promise<NodeView[]> {
  return Promise.all(
    config.rpcUrls.map((url) => readNodeView({ ...config, rpcUrls: [url], agreement: 1 }, asked)),
  );
}

async function readNodeView(config: ChainConfig, { attempts, sender, voids }: Asked): Promise<NodeView> {
  const port = openChain(config, sender ?? '', noSigner, () => undefined);
  try {
    const { height: head } = await port.reader.head();
    const next = sender === null ? null : await port.sender.nextSequence(sender);
    const landed: string[] = [];
    for (const { txHash } of [...attempts, ...voids]) {
      const block = await port.reader.minedIn(txHash);
      if (block) landed.push(`${txHash} in block ${block.height} (${block.id})`);
    }
    const name = port.nodes()[0]?.name ?? '';
    return {
      name,
      fault: null,
      head,
      nextNonce: next?.toString() ?? null,
      landed: landed.join(', ') || null,
    };
  } catch (error) {
    if (!(error instanceof ChainError)) throw error;
    const name = port.nodes()[0]?.name ?? '';
    return { name, fault: error.message, head: null, nextNonce: null, landed: null };
  } finally {
    await port.close();
  }
}

/** Asking nodes requires no signature. */
const noSigner = {
  sign: async () => Promise.reject(new Error('Asking nodes must not sign anything')),
  signAuthorization: async () => Promise.reject(new Error('Asking nodes must not sign anything')),
  lastSigned: async () => undefined,
};
