import { hash } from 'node:crypto';
import { base58 } from '@scure/base';
import { type Chain, chainFamily } from './registry.ts';

/**
 * The transaction hash that the simulated chain gives, in the form of the real one: Solana a base58 signature of
 * 64 bytes, EVM and Tron a hex hash of 32.
 *
 * @param seed names the movement; the same one always gets the same hash
 */
export function sandboxTxHash(chain: Chain, seed: string): string {
  const family = chainFamily(chain);
  if (family === 'solana') return base58.encode(hash('sha512', `${chain}:${seed}`, 'buffer') as Buffer);
  const hex = hash('sha256', `${chain}:${seed}`, 'hex');
  return family === 'evm' ? `0x${hex}` : hex;
}
