import { base58 } from '@scure/base';
import { programs } from '../../../server/src/chains/solana/programs.ts';
import type { ApiClient } from '../client.ts';
import { newWallet, ok } from '../factories.ts';
import { genesisHash, type SolanaNode } from './solana.ts';
import type { TestMint } from './solana-ledger.ts';

/** An address that nobody has the key of, by a name. */
export const named = (name: string): string => base58.encode(Buffer.from(name.padEnd(32, '.')));

/** The tokens of the test chain. PYUSD is issued with Token-2022, and could take a fee. */
export const mints = {
  usdc: { mint: named('usdc'), program: programs.token },
  usdt: { mint: named('usdt'), program: programs.token },
  eurc: { mint: named('eurc'), program: programs.token },
  pyusd: { mint: named('pyusd'), program: programs.token2022, feeBasisPoints: 100 },
} as const satisfies Record<string, TestMint>;

/** Solana's entry in the file of chains: quick. */
export function solanaEntry(node: SolanaNode, more: object = {}): object {
  const tokens = Object.entries(mints).map(([currency, { mint }]) => [currency, mint]);
  return {
    rpc: [node.url],
    networkId: genesisHash,
    tokens: Object.fromEntries(tokens),
    pollMs: 50,
    startBlock: 0,
    sweepFrom: null,
    minDeposit: '0.50',
    minTransfer: '0',
    accountFee: '0',
    // Blocks are made as quickly as a test wants.
    signing: { signAgainAfterMs: 0 },
    gas: { nativeUsd: '150' },
    ...more,
  };
}

/** A live wallet, and where it takes deposits on Solana. */
export interface SolanaWallet {
  readonly id: string;
  readonly customerId: string;
  readonly address: string;
}

export async function solanaWallet(live: ApiClient, customerId: string): Promise<SolanaWallet> {
  const { id } = await newWallet(live, customerId);
  const addresses = await ok(live.get(`/v1/crypto-wallets/${id}/crypto-deposit-addresses`));
  const { address } = addresses.find(({ chain }: { chain: string }) => chain === 'solana');
  return { id, customerId, address };
}
