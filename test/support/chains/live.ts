import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Hex } from 'viem';
import { expect } from 'vitest';
import type { App } from '../../../server/src/app.ts';
import { decideCustomerKyc } from '../../../server/src/resources/customers/commands.ts';
import type { ApiAnswer, ApiClient } from '../client.ts';
import { environmentOf, newCustomer, newWallet, ok } from '../factories.ts';
import type { TestServer } from '../server.ts';
import type { Anvil, TestToken } from './anvil.ts';

/** Settings of a chain, by its name, as they are in the file. */
export type ChainsContent = Readonly<Record<string, object>>;

/** A directory of its own with a file of chains in it. */
export function writeChains(content: ChainsContent): { path: string; remove(): void } {
  const directory = mkdtempSync(join(tmpdir(), 'openledger-chains-'));
  const path = join(directory, 'chains.json');
  writeFileSync(path, JSON.stringify(content));
  return { path, remove: () => rmSync(directory, { recursive: true, force: true }) };
}

/** A test chain's entry in the file: quick, and shallow. */
export function chainEntry(
  anvil: Anvil,
  tokens: Readonly<Record<string, TestToken>>,
  more: object = {},
): object {
  const addresses = Object.entries(tokens).map(([currency, { address }]) => [currency, address]);
  return {
    rpc: [anvil.url],
    networkId: String(anvil.chainId),
    // What is not given would be the mainnet's, which is not here.
    tokens: { ...noTokens(anvil.chainId), ...Object.fromEntries(addresses) },
    confirmations: 3,
    pollMs: 100,
    startBlock: 0,
    // Fees of a new chain are high, and amounts of tests low.
    minTransfer: '0',
    gas: { nativeUsd: '2500', bumpAfterMs: 60_000 },
    ...more,
  };
}

/** Test chains that have a public network's id would take its tokens. */
function noTokens(chainId: number): object {
  return chainId === 1 ? { usdc: null, usdt: null, pyusd: null, eurc: null } : {};
}

/** A live customer who may do everything: approved by command, as an operator would. */
export async function liveCustomer(app: App, live: ApiClient, liveKey: string): Promise<ApiAnswer['data']> {
  const customer = await newCustomer(live);
  const environmentId = await environmentOf({ app }, liveKey);
  const outcome = await app.writer.submit(decideCustomerKyc(environmentId, customer.id, 'approved', []));
  expect(outcome.kind).toBe('accepted');
  return customer;
}

/**
 * A live wallet, and where it takes deposits on EVM chains. Undefined if the server follows none.
 *
 * @param walletId the wallet, if there is one already
 */
export async function liveWallet(live: ApiClient, customerId: string, walletId?: string) {
  const id: string = walletId ?? (await newWallet(live, customerId)).id;
  const addresses = await ok(live.get(`/v1/crypto-wallets/${id}/crypto-deposit-addresses`));
  const found = addresses.find(({ chain }: { chain: string }) => !['solana', 'tron'].includes(chain));
  return { id, customerId, address: found?.address as `0x${string}` };
}

/** A customer with a wallet of their own. */
export async function newLiveWallet({ app, live, liveKey }: TestServer) {
  const customer = await liveCustomer(app, live, liveKey);
  return liveWallet(live, customer.id);
}

/** What the deposits of a wallet are now, the oldest first. */
export async function depositsOf(live: ApiClient, walletId: string): Promise<ApiAnswer['data'][]> {
  const found = await ok(live.get(`/v1/transactions?type=deposit&walletId=${walletId}`));
  return [...found].reverse();
}

/** Waits until the deposits of a wallet have these statuses, the oldest first, and returns them. */
export async function depositsIn(live: ApiClient, walletId: string, statuses: readonly string[]) {
  await expect
    .poll(async () => (await depositsOf(live, walletId)).map(({ status }) => status), { timeout: 20_000 })
    .toEqual(statuses);
  return depositsOf(live, walletId);
}

/** Replaces the newest blocks by as many empty ones, and gives back what was in one of them to be mined again. */
export async function reorganise(
  anvil: Anvil,
  depth: number,
  txHash: Hex,
): Promise<{ remine(): Promise<void> }> {
  const request = anvil.client.request as (call: { method: string; params: unknown[] }) => Promise<unknown>;
  const raw = await request({ method: 'eth_getRawTransactionByHash', params: [txHash] });
  await request({ method: 'anvil_reorg', params: [depth, []] });
  return {
    async remine() {
      await request({ method: 'eth_sendRawTransaction', params: [raw] });
    },
  };
}

/** The treasury of a chain. */
export function treasuryOf({ app }: Pick<TestServer, 'app'>, chain: string): `0x${string}` {
  return app.treasuries.find((known) => known.chain === chain)?.address as `0x${string}`;
}
