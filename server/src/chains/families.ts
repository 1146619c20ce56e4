import type { Signer } from '../custody/signer.ts';
import type { ChainConfig } from './config.ts';
import { createEvmChain } from './evm/family.ts';
import type { NodeListener } from './node-pool.ts';
import type { ChainPort } from './port.ts';
import { createSolanaChain } from './solana/family.ts';
import { createTronChain } from './tron/family.ts';

/** Opens a chain as its family does it. Nothing is asked of its nodes yet. */
export function openChain(
  config: ChainConfig,
  treasury: string,
  signer: Pick<Signer, 'sign' | 'signAuthorization'>,
  listen: NodeListener,
): ChainPort {
  switch (config.family) {
    case 'evm':
      return createEvmChain(config, treasury, signer, listen);
    case 'solana':
      return createSolanaChain(config, treasury, signer, listen);
    case 'tron':
      return createTronChain(config, treasury, signer, listen);
  }
}
