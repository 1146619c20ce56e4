import { expect } from 'vitest';
import type { App } from '../../../server/src/app.ts';
import { custody, walletAvailable } from '../../../server/src/ledger/accounts.ts';
import { depositFlow } from '../../../server/src/ledger/flows.ts';
import { bucketOfId } from '../../../server/src/platform/ids.ts';
import { createdEvents, newTransaction } from '../../../server/src/resources/transactions/lifecycle.ts';
import { transactionJson } from '../../../server/src/resources/transactions/schema.ts';
import { createTransfer } from '../../../server/src/resources/transfers/commands.ts';
import { accountReads, type Command } from '../../../server/src/writer/command.ts';
import type { ApiClient } from '../client.ts';
import { newWallet, ok } from '../factories.ts';
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
    gas: { nativeUsd: '0.25' },
    ...more,
  };
}

/** Where the server gets the rate of USDT: one for one, less its own spread of a thousandth. */
export function startRates(): Promise<Receiver> {
  return startReceiver((response) => void response.end('{"rates":{"USDT":1}}'));
}

/**
 * Gives a wallet USDT to send. The API converts all USDT when it arrives and sends none; what is below it does not care.
 */
export async function holdUsdt(
  app: App,
  environmentId: string,
  wallet: TronWallet,
  amountMinor: bigint,
): Promise<void> {
  const { customerId, id: walletId } = wallet;
  const bucket = bucketOfId(walletId);
  const command: Command<string> = {
    name: 'hold_usdt',
    environmentId,
    bucket,
    reads: (stripe) => accountReads([custody(stripe, 'tron', 'usdt'), walletAvailable(walletId, 'usdt')]),
    decide(_state, context) {
      const row = newTransaction(context, {
        customer_id: customerId,
        wallet_id: walletId,
        type: 'deposit',
        status: 'completed',
        amount_minor: amountMinor,
        final_minor: amountMinor,
        source_currency: 'usdt',
        destination_currency: 'usdt',
        fee_minor: 0n,
        source_payment_rail: 'tron',
      });
      const money = { transactionId: row.id, walletId, chain: 'tron', currency: 'usdt', amountMinor };
      return {
        result: row.id,
        writes: [{ table: 'transactions', row }],
        journals: [depositFlow(context, money)],
        events: createdEvents(row, transactionJson(row)),
      };
    },
  };
  expect((await app.writer.submit(command)).kind).toBe('accepted');
}

/** Sends USDT out of a wallet. @returns the transfer's id */
export async function sendUsdt(
  app: App,
  environmentId: string,
  { customerId, id: walletId }: TronWallet,
  amountMinor: bigint,
  address: string,
): Promise<string> {
  const body = {
    customerId,
    walletId,
    amount: '1',
    destinationCurrency: 'usdt',
    destinationPaymentRail: 'tron',
    destinationAddress: address,
  };
  const terms = {
    kind: 'chain',
    chain: 'tron',
    address,
    currency: 'usdt',
    amountMinor,
    feeMinor: 0n,
  } as const;
  const outcome = await app.writer.submit(createTransfer(environmentId, body, terms, null));
  if (outcome.kind !== 'accepted') throw new Error('The transfer was refused');
  return (JSON.parse(outcome.result) as { id: string }).id;
}
