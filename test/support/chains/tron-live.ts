import { expect, vi } from 'vitest';
import { formatAmount } from '../../../server/src/platform/money.ts';
import type { ApiClient } from '../client.ts';
import { balanceOf, newWallet, ok } from '../factories.ts';
import { type Receiver, startReceiver } from '../receiver.ts';
import type { TronNode } from './tron.ts';

/** A live wallet, and where it takes deposits on Tron. */
export interface TronWallet {
  readonly id: string;
  readonly customerId: string;
  readonly address: string;
}

export async function tronWallet(live: ApiClient, customerId: string): Promise<TronWallet> {
  const wallet = await newWallet(live, customerId);
  const addresses = await ok(live.get(`/v1/crypto-wallets/${wallet.id}/crypto-deposit-addresses`));
  const { address } = addresses.find(({ chain }: { chain: string }) => chain === 'tron');
  return { id: wallet.id, customerId, address };
}

/** Tron's entry in the file of chains: quick, and shallow. */
export function tronEntry(node: TronNode, more: object = {}): object {
  return {
    rpc: [node.url],
    confirmations: 3,
    pollMs: 50,
    startBlock: 0,
    sweepFrom: null,
    minTransfer: '0',
    // Blocks are made as quickly as a test wants.
    signing: { signAgainAfterMs: 0 },
    gas: { nativeUsd: '0.25' },
    ...more,
  };
}

/** A dollar is 1.25 USDT, so that amounts are exact and neither side can be mistaken for the other. */
const usdtPerUsd = { numerator: 5n, denominator: 4n };

/** Where the server gets the rate of USDT. */
export function startRates(): Promise<Receiver> {
  return startReceiver((response) => void response.end('{"rates":{"USDT":1.25}}'));
}

/** What a server is started with so that it takes the rate of `startRates`, although it is far from the peg. */
export const wideBand = {
  pegBand: { low: { numerator: 1n, denominator: 2n }, high: { numerator: 2n, denominator: 1n } },
};

/** What a server is started with so that it earns nothing: every amount is then exact. */
export const withoutFees = {
  onChainFee: { numerator: 0n, denominator: 1n },
  stablecoinSpread: { numerator: 0n, denominator: 1n },
  ...wideBand,
};

/** What so much USDT is in USDC. */
function usdcOf(usdtMinor: bigint): string {
  return formatAmount((usdtMinor * usdtPerUsd.denominator) / usdtPerUsd.numerator, 6);
}

/** Lets USDT arrive for a wallet that has nothing yet, and waits until it is credited as USDC. */
export async function fundWallet(
  live: ApiClient,
  { ledger, pay }: TronNode,
  wallet: TronWallet,
  usdtMinor: bigint,
): Promise<void> {
  pay({ to: wallet.address, amount: usdtMinor });
  ledger.mine(4);
  const check = async () => expect(await balanceOf(live, wallet.id)).toBe(usdcOf(usdtMinor));
  await vi.waitFor(check, { timeout: 10_000 });
}

/** Sends USDT out of a wallet of USDC. @returns the transfer's id */
export async function sendUsdt(
  live: ApiClient,
  { customerId, id: walletId }: TronWallet,
  usdtMinor: bigint,
  destinationAddress: string,
): Promise<string> {
  const body = {
    customerId,
    walletId,
    amount: usdcOf(usdtMinor),
    destinationCurrency: 'usdt',
    destinationPaymentRail: 'tron',
    destinationAddress,
  };
  return (await ok(live.post('/v1/transfers', body))).id;
}
