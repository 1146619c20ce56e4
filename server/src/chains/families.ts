import type { ChainConfig } from './config.ts';
import { evmFamily } from './evm/family.ts';
import { createChainPort } from './family.ts';
import type { NodeListener } from './node-health.ts';
import type { ChainPort } from './port.ts';
import type { TransactionSigner } from './signing.ts';
import { solanaFamily } from './solana/family.ts';
import { tronFamily } from './tron/family.ts';

/** Opens a configured chain; sends nothing to its nodes yet. */
export function openChain(
  config: ChainConfig,
  treasury: string,
  signer: TransactionSigner,
  listen: NodeListener,
): ChainPort {
  switch (config.family) {
    case 'evm':
      return createChainPort(evmFamily, config, treasury, signer, listen);
    case 'solana':
      return createChainPort(solanaFamily, config, treasury, signer, listen);
    case 'tron':
      return createChainPort(tronFamily, config, treasury, signer, listen);
  }
}
