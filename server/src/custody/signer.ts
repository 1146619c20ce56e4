import { type Chain, chainFamily, chains } from '../chains/registry.ts';
import { createDeriver } from './derivation.ts';

/** Where a wallet takes deposits on one chain. */
export interface DepositAddress {
  readonly chain: Chain;
  readonly address: string;
}

/**
 * The one door to the keys. What is behind it may be this process, a key management service or a machine of
 * its own; nothing on this side ever sees a private key.
 */
export interface Signer {
  /**
   * The deposit addresses of one wallet on every chain, in the order of the registry; EVM chains share one.
   *
   * @param index which wallet, 0..2^31-1; the same index always gives the same addresses
   * @throws RangeError (as a rejection) when the index is no such number
   */
  depositAddresses(index: number): Promise<readonly DepositAddress[]>;
}

/**
 * A signer that keeps its keys in this process's memory, in a closure: no property leads to them, and neither
 * `JSON.stringify` nor `util.inspect` shows anything.
 *
 * @param seed the 64 bytes of a BIP-39 seed; not kept, the caller may wipe it
 * @throws RangeError when the seed has another length
 */
export function createLocalSigner(seed: Uint8Array): Signer {
  const deriver = createDeriver(seed);

  const signer: Signer = {
    async depositAddresses(index) {
      const address = {
        solana: deriver.address('solana', index),
        evm: deriver.address('evm', index),
        tron: deriver.address('tron', index),
      };
      return chains.map((chain) => ({ chain, address: address[chainFamily(chain)] }));
    },
  };
  return Object.freeze(Object.defineProperty(signer, 'depositAddresses', { enumerable: false }));
}
