import { keccak_256 } from '@noble/hashes/sha3.js';
import type { Hex } from 'viem';
import type { Signer } from '../../custody/signer.ts';
import type { EvmConfig, Token } from '../config.ts';
import { RpcError } from '../node.ts';
import { ChainError, type PaymentIntent } from '../port.ts';
import type { Stablecoin } from '../registry.ts';
import type { EvmNodes } from './blocks.ts';
import { authorizationStateData, nameData, receiveData, textOf, transferData, versionData } from './erc20.ts';
import { bytes } from './responses.ts';

/** What a transaction does, its place and its fees apart. */
export interface Call {
  readonly from: string;
  readonly to: Hex;
  readonly value: bigint;
  readonly data: Hex;
}

/** An authorisation that is not used is worth nothing to anybody but the treasury: it need not run out. */
const noEnd = 2n ** 64n;

/** Works out what the transactions of payments do. */
export interface CallMaker {
  callOf(id: string, intent: PaymentIntent): Promise<Call>;
  /** Whether the token takes authorisations (EIP-3009). */
  takesAuthorizations(currency: Stablecoin): Promise<boolean>;
}

/** The domain that a contract's authorisations are signed for. */
interface Domain {
  readonly name: string;
  readonly version: string;
}

export function createCallMaker(
  config: EvmConfig,
  nodes: EvmNodes,
  treasury: string,
  signer: Pick<Signer, 'signAuthorization'>,
): CallMaker {
  const domains = new Map<Stablecoin, Domain | undefined>();

  const tokenOf = (currency: Stablecoin): Token => {
    const token = config.tokens.find((known) => known.currency === currency);
    if (!token) throw new ChainError(`There is no ${currency} configured.`);
    return token;
  };

  const domainOf = async (currency: Stablecoin): Promise<Domain | undefined> => {
    if (domains.has(currency)) return domains.get(currency);
    const domain = await readDomain(nodes, tokenOf(currency).address, treasury);
    domains.set(currency, domain);
    return domain;
  };

  const authorised = async (
    id: string,
    intent: PaymentIntent & { kind: 'authorised_sweep' },
  ): Promise<Hex> => {
    const { address: from, amount, currency, index } = intent;
    const domain = await domainOf(currency);
    if (!domain) throw new ChainError(`The contract of ${currency} takes no authorisations.`);
    // One for each payment, the same whenever it is signed: the contract takes it once.
    const nonce = keccak_256(Buffer.from(id, 'utf8'));
    const span = { validAfter: 0n, validBefore: noEnd };
    const request = {
      chain: config.chain,
      token: currency,
      amountMinor: amount,
      index,
      ...domain,
      ...span,
      nonce,
    };
    const signature = await signer.signAuthorization(request);
    return receiveData({ from, to: treasury, amount, ...span, nonce, signature });
  };

  return {
    takesAuthorizations: async (currency) => (await domainOf(currency)) !== undefined,
    async callOf(id, intent) {
      const { address, amount } = intent;
      if (intent.kind === 'top_up') return { from: treasury, to: address as Hex, value: amount, data: '0x' };
      const to = tokenOf(intent.currency).address as Hex;
      switch (intent.kind) {
        case 'transfer':
          return { from: treasury, to, value: 0n, data: transferData(address, amount) };
        case 'sweep':
          return { from: address, to, value: 0n, data: transferData(treasury, amount) };
        case 'authorised_sweep': {
          const data = await authorised(id, { ...intent, kind: 'authorised_sweep' });
          return { from: treasury, to, value: 0n, data };
        }
      }
    },
  };
}

/** @returns undefined when the contract does not know authorisations */
async function readDomain(nodes: EvmNodes, contract: string, treasury: string): Promise<Domain | undefined> {
  const ask = (data: Hex): Promise<string> =>
    nodes.call('eth_call', [{ to: contract, data }, 'latest'], (data) => bytes(data));
  try {
    const state = await ask(authorizationStateData(treasury, `0x${'00'.repeat(32)}`));
    const name = textOf(await ask(nameData));
    const version = textOf(await ask(versionData));
    const isKnown = state.length === 66 && name !== undefined && version !== undefined;
    return isKnown ? { name, version } : undefined;
  } catch (error) {
    // What a node refuses for reasons of its own says nothing of the contract.
    if (error instanceof RpcError && /revert|invalid opcode/i.test(error.message)) return undefined;
    throw error;
  }
}
