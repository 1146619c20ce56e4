import { hash } from 'node:crypto';
import { base58 } from '@scure/base';
import { type Chain, chainFamily } from './registry.ts';

/**
 * Computes a transaction hash of the simulated chain in the form of the real one: on Solana a base58 signature of 64 bytes, on EVM chains and
 * Tron a hexadecimal hash of 32 bytes.
 *
 * @param seed identifies the movement; the same seed gives the same hash
 */
export function sandboxTxHash(chain: Chain, seed: string): string {
  const family = chainFamily(chain);
  if (family === 'solana') return base58.encode(hash('sha512', `${chain}:${seed}`, 'buffer') as Buffer);
  const hex = hash('sha256', `${chain}:${seed}`, 'hex');
  return family === 'evm' ? `0x${hex}` : hex;
}
