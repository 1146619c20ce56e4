import { userInfo } from 'node:os';
import { ConfigError } from '@openledger/server/platform/config.ts';
import { limits } from '@openledger/server/platform/limits.ts';
import { currencyScale, formatAmount } from '@openledger/server/platform/money.ts';
import { decideTransfer, type TransferDecision } from '@openledger/server/resources/transfers/on-chain.ts';
import {
  findScreenedTransfer,
  listWaitingTransfers,
  type ScreenedTransfer,
  type WaitingTransfer,
} from '@openledger/server/resources/transfers/waiting.ts';
import type { Command } from 'commander';
import { type Store, type StoreSettings, withStore, withVault } from './store.ts';

/** Adds `openledger transfers …`. */
export function addTransferCommands(program: Command): void {
  const transfers = program.command('transfers').description('live transfers on chains that wait');
  const settings = (): StoreSettings => program.opts();
  transfers
    .command('list')
    .description(
      'list the live transfers that have not been sent yet: what each waits for, since when and why',
    )
    .option('--review', 'only those that wait for a decision', false)
    .action((options: { review: boolean }) => withStore(settings(), (store) => list(store, options.review)));
  for (const [name, decision] of [
    ['approve', 'approved'],
    ['reject', 'rejected'],
  ] as const) {
    transfers
      .command(name)
      .description(
        decision === 'approved'
          ? 'let a transfer go that is under review'
          : 'refuse a transfer that is under review: its money is available again',
      )
      .argument('<transfer>', 'the id of the transfer (txn_…)')
      .requiredOption(
        '--reason <text>',
        decision === 'approved'
          ? 'why, for your own records'
          : 'why, for your own records and for the client',
      )
      .action((id: string, { reason }: { reason: string }) =>
        withVault(settings(), (store) => decide(store, id, decision, reason)),
      );
  }
}

async function list({ pool }: Store, onlyReview: boolean): Promise<void> {
  const lines = (await listWaitingTransfers(pool, onlyReview ? 'review' : undefined)).map(lineOf);
  const none = onlyReview ? 'No transfer waits for a decision.\n' : 'No live transfer waits.\n';
  process.stdout.write(lines.length === 0 ? none : `${lines.join('\n')}\n`);
}

function lineOf(waiting: WaitingTransfer): string {
  const { address, amountMinor, chain, currency, customerId, id, reason, since, waitsFor } = waiting;
  const amount = `${formatAmount(amountMinor, currencyScale.usdc)} ${currency}`;
  const parts = [id, waitsFor.padEnd(9), ageOf(since).padStart(4), amount, chain, address, customerId];
  return [...parts, ...(reason === null ? [] : [reason])].join('  ');
}

/** The largest unit that fits: `59s`, `59m`, `23h`, `9d`. */
function ageOf(since: string): string {
  const seconds = Math.max(0, Math.floor((Date.now() - Date.parse(since)) / 1000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  return seconds < 86_400 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`;
}

async function decide(
  store: Store,
  id: string,
  decision: TransferDecision['decision'],
  text: string,
): Promise<void> {
  const reason = text.trim();
  if (reason === '' || reason.length > limits.shortTextLength || !reason.isWellFormed()) {
    throw new ConfigError(`--reason: Give 1 to ${limits.shortTextLength} characters.`);
  }
  const { row } = await requireTransfer(store, id);
  const outcome = await store.writer.submit(decideTransfer(row, { decision, reason, by: userName() }));
  if (outcome.kind !== 'accepted') throw new ConfigError(whyNot(await requireTransfer(store, id)));
  process.stdout.write(`${id} is ${decision}.\n`);
}

async function requireTransfer({ pool }: Store, id: string): Promise<ScreenedTransfer> {
  const found = /^txn_[0-9a-z]{26}$/.test(id) ? await findScreenedTransfer(pool, id) : undefined;
  if (!found) throw new ConfigError(`There is no transfer ${id}.`);
  return found;
}

function whyNot({ row, screening }: ScreenedTransfer): string {
  if (screening?.decision) {
    const { decided_at: at, decided_by: by, decision } = screening;
    return `${row.id} was ${decision} already, by ${by} at ${at}: it is ${row.status}.`;
  }
  return `${row.id} is not under review: it is ${row.status}.`;
}

/** Who gives the command, as the operating system knows them. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
