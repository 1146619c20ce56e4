import { keccak_256 } from '@noble/hashes/sha3.js';
import type { Hex } from 'viem';
import type { EvmConfig } from '../config.ts';
import { ChainError } from '../errors.ts';
import type { Stablecoin } from '../registry.ts';
import type { PaymentIntent, TransactionSigner } from '../signing.ts';
import { requireToken } from '../tokens.ts';
import type { EvmNodes } from './blocks.ts';
import { authorizationStateData, nameData, receiveData, textOf, versionData } from './erc20.ts';
import { bytes } from './responses.ts';

/** Only the treasury can use an authorization, so it need not expire. */
const noExpiry = 2n ** 64n;

/** Sweeps by EIP-3009: the deposit address signs an authorization, and the treasury submits it. */
export interface Authorizations {
  /** Whether a token's contract implements EIP-3009. The result is cached. */
  areTakenBy(currency: Stablecoin): Promise<boolean>;
  /**
   * Signs the authorization of a sweep.
   *
   * @returns the call data of `receiveWithAuthorization`
   * @throws ChainError if the contract does not implement EIP-3009; SignerRefusal
   */
  callData(id: string, intent: PaymentIntent & { kind: 'sweep' | 'authorised_sweep' }): Promise<Hex>;
}

/** The EIP-712 domain of a token contract. */
interface Domain {
  readonly name: string;
  readonly version: string;
}

/** Creates the authorizations of one chain. */
export function createAuthorizations(
  config: EvmConfig,
  nodes: EvmNodes,
  treasury: string,
  signer: Pick<TransactionSigner, 'signAuthorization'>,
): Authorizations {
  const domains = new Map<Stablecoin, Domain | undefined>();
  const domainOf = async (currency: Stablecoin): Promise<Domain | undefined> => {
    if (domains.has(currency)) return domains.get(currency);
    const domain = await readDomain(nodes, requireToken(config, currency).address, treasury);
    domains.set(currency, domain);
    return domain;
  };

  return {
    areTakenBy: async (currency) => (await domainOf(currency)) !== undefined,
    async callData(id, { address: from, amount, currency: token, index }) {
      const domain = await domainOf(token);
      if (!domain) throw new ChainError(`The contract of ${token} does not implement EIP-3009.`);
      // Derived from the payment's id, so that the contract accepts one authorization per payment, however often it is signed.
      const nonce = keccak_256(Buffer.from(id, 'utf8'));
      const validity = { validAfter: 0n, validBefore: noExpiry };
      const { chain } = config;
      const request = { chain, token, amountMinor: amount, index, ...domain, ...validity, nonce };
      const signature = await signer.signAuthorization(request);
      return receiveData({ from, to: treasury, amount, ...validity, nonce, signature });
    },
  };
}

/** @returns undefined if the contract does not implement EIP-3009 */
async function readDomain(nodes: EvmNodes, contract: string, treasury: string): Promise<Domain | undefined> {
  const call = (data: Hex): Promise<string> =>
    nodes.call('eth_call', [{ to: contract, data }, 'latest'], (result) => bytes(result));
  try {
    const state = await call(authorizationStateData(treasury, `0x${'00'.repeat(32)}`));
    const name = textOf(await call(nameData));
    const version = textOf(await call(versionData));
    const isComplete = state.length === 66 && name !== undefined && version !== undefined;
    return isComplete ? { name, version } : undefined;
  } catch (error) {
    // A node that rejects the call for another reason says nothing about the contract.
    const isRejected = error instanceof ChainError && error.kind === 'rejected';
    if (isRejected && /revert|invalid opcode/i.test(error.message)) return undefined;
    throw error;
  }
}
