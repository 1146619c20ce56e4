import { resolve } from 'node:path';
import { type Chain, isChain, isStablecoin } from '@openledger/server/chains/registry.ts';
import { proofKeysOf, proveTransfer } from '@openledger/server/custody/transfer-proof.ts';
import { readKeyring } from '@openledger/server/key-files.ts';
import {
  decideTransfer,
  isPayable,
  replaceProof,
  type TransferDecision,
} from '@openledger/server/onchain/payments/commands.ts';
import { ConfigError } from '@openledger/server/platform/config.ts';
import { currencyScale, formatAmount, parseAmount } from '@openledger/server/platform/money.ts';
import {
  findScreenedTransfer,
  listWaitingTransfers,
  type ScreenedTransfer,
  type WaitingTransfer,
} from '@openledger/server/resources/transfers/operator-queries.ts';
import type { TransactionRow } from '@openledger/server/store/tables/transactions.ts';
import type { Command } from 'commander';
import { operatorName, parseReason } from './operator.ts';
import { ageOf, printLine, printLines } from './print.ts';
import { type Store, type StoreSettings, withStore, withVault } from './store.ts';

/** Adds `openledger transfers …`. */
export function addTransferCommands(program: Command): void {
  const transfers = program.command('transfers').description('pending live transfers on chains');
  const settings = (): StoreSettings => program.opts();
  transfers
    .command('list')
    .description('list live transfers that have not been sent, with what each waits for, since when and why')
    .option('--review', 'only transfers that need a decision', false)
    .action((options: { review: boolean }) => withStore(settings(), (store) => list(store, options.review)));
  transfers
    .command('prove')
    .description(
      'prove a transfer that the signer refuses as not proven, after you have verified it; requires the master key',
    )
    .argument('<transfer>', 'the id of the transfer (txn_…)')
    .requiredOption('--address <address>', 'the destination, from a source other than the database')
    .requiredOption('--amount <amount>', 'the maximum amount, in the currency that is sent')
    .action((id: string, options: { address: string; amount: string }) =>
      withVault(settings(), (store) => prove(store, settings(), id, options)),
    );
  for (const [name, decision] of [
    ['approve', 'approved'],
    ['reject', 'rejected'],
  ] as const) {
    transfers
      .command(name)
      .description(
        decision === 'approved'
          ? 'approve a transfer under review'
          : 'reject a transfer under review; its money becomes available again',
      )
      .argument('<transfer>', 'the id of the transfer (txn_…)')
      .requiredOption(
        '--reason <text>',
        decision === 'approved'
          ? 'the reason, for your records'
          : 'the reason, for your records and for the client',
      )
      .action((id: string, { reason }: { reason: string }) =>
        withVault(settings(), (store) => decide(store, id, decision, reason)),
      );
  }
}

async function list({ pool }: Store, onlyReview: boolean): Promise<void> {
  const lines = (await listWaitingTransfers(pool, onlyReview ? 'review' : undefined)).map(lineOf);
  const none = onlyReview ? 'No transfer needs a decision.' : 'There are no pending live transfers.';
  printLines(lines.length === 0 ? [none] : lines);
}

function lineOf(waiting: WaitingTransfer): string {
  const { address, amountMinor, chain, currency, customerId, id, reason, since, waitsFor } = waiting;
  const amount = `${formatAmount(amountMinor, currencyScale.usdc)} ${currency}`;
  const parts = [id, waitsFor.padEnd(9), ageOf(since).padStart(4), amount, chain, address, customerId];
  return [...parts, ...(reason === null ? [] : [reason])].join('  ');
}

async function decide(
  store: Store,
  id: string,
  decision: TransferDecision['decision'],
  text: string,
): Promise<void> {
  const reason = parseReason(text);
  const { row } = await requireTransfer(store, id);
  const outcome = await store.writer.submit(decideTransfer(row, { decision, reason, by: operatorName() }));
  if (outcome.kind !== 'accepted') throw new ConfigError(whyNot(await requireTransfer(store, id)));
  printLine(`${id} is ${decision}.`);
}

/** The operator enters address and amount, so that a row that was modified in the database is not proven. */
async function prove(
  store: Store,
  settings: StoreSettings,
  id: string,
  { address, amount }: { readonly address: string; readonly amount: string },
): Promise<void> {
  const { row } = await requireTransfer(store, id);
  const { destination_currency: token, destination_payment_rail: chain } = row;
  if (row.payout_account_id !== null || !isChain(chain ?? '') || !isStablecoin(token)) {
    throw new ConfigError(`${id} must be a transfer on a chain.`);
  }
  const most = parseAmount(amount, currencyScale[token]);
  if (!most.ok) throw new ConfigError(`--amount: must be an amount in ${token}, such as "99.70".`);
  const [key] = proofKeysOf(await readKeyring(resolve(settings.dataDir), settings));
  const outcome = await store.writer.submit(
    replaceProof(row, (now) => {
      const isSame =
        token === now.source_currency ? now.net_minor === most.minor : (now.final_minor ?? 0n) <= most.minor;
      if (now.destination_address !== address || !isSame) return undefined;
      const { wallet_id: walletId } = now;
      const terms = { chain: chain as Chain, token, destination: address, mostMinor: most.minor };
      return proveTransfer(key, { id, walletId, madeAtMs: Date.now(), ...terms });
    }),
  );
  if (outcome.kind !== 'accepted')
    throw new ConfigError(whyNotProven((await requireTransfer(store, id)).row));
  printLine(`${id} is proven for at most ${amount} ${token} to ${address} on ${chain}.`);
}

function whyNotProven(row: TransactionRow): string {
  if (!isPayable(row)) return `${row.id} is ${row.status} and cannot be paid any more.`;
  const { destination_address: address, destination_currency: token, final_minor: final } = row;
  const sent = token === row.source_currency ? row.net_minor : final;
  const amount = sent === null ? `the converted amount in` : formatAmount(sent, currencyScale.usdc);
  return `${row.id} differs in the database: ${amount} ${token} to ${address}. Nothing was changed.`;
}

async function requireTransfer({ pool }: Store, id: string): Promise<ScreenedTransfer> {
  const found = /^txn_[0-9a-z]{26}$/.test(id) ? await findScreenedTransfer(pool, id) : undefined;
  if (!found) throw new ConfigError(`There is no transfer ${id}.`);
  return found;
}

function whyNot({ row, screening }: ScreenedTransfer): string {
  if (screening?.decision) {
    const { decided_at: at, decided_by: by, decision } = screening;
    return `${row.id} was ${decision} by ${by} at ${at} already. It is ${row.status}.`;
  }
  return `${row.id} must be under review. It is ${row.status}.`;
}
