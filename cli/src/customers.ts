import { userInfo } from 'node:os';
import { systemClock, toIsoTime } from '@openledger/server/platform/clock.ts';
import { ConfigError } from '@openledger/server/platform/config.ts';
import { retentionOption } from '@openledger/server/platform/config-options.ts';
import { limits } from '@openledger/server/platform/limits.ts';
import { eraseCustomer, readErasureFacts } from '@openledger/server/resources/customers/erase-commands.ts';
import { findCase } from '@openledger/server/resources/identity/queries.ts';
import { scrubCustomer } from '@openledger/server/sealing/scrub.ts';
import type { Command } from 'commander';
import { printLine } from './print.ts';
import { type Store, type StoreSettings, withVault } from './store.ts';

interface EraseOptions {
  readonly force: boolean;
  readonly reason?: string;
  readonly retentionYears: number;
}

/** Adds `openledger customers …`. */
export function addCustomerCommands(program: Command): void {
  const customers = program.command('customers').description('customers and their data');
  const settings = (): StoreSettings => program.opts();
  customers
    .command('erase')
    .description("destroy a customer's key: what is known of them cannot be read again; the books stay")
    .argument('<customer>', 'the id of the customer (cus_…)')
    .addOption(retentionOption())
    .option('--force', 'before the time for which data is kept is over; needs --reason', false)
    .option('--reason <text>', 'why, for your own records')
    .action((id: string, options: EraseOptions) =>
      withVault(settings(), (store) => eraseCommand(store, id, options)),
    );
}

async function eraseCommand(store: Store, customerId: string, options: EraseOptions): Promise<void> {
  const reason = options.reason?.trim() || null;
  if (options.force && reason === null) throw new ConfigError('--force requires --reason.');
  if (reason !== null && reason.length > limits.shortTextLength)
    throw new ConfigError(`--reason must have at most ${limits.shortTextLength} characters.`);
  const found = await findCase(store.pool, customerId);
  if (!found) throw new ConfigError(`There is no customer ${customerId}.`);
  const { environment_id: environmentId } = found.customer;
  const facts = await readErasureFacts(store.pool, environmentId, customerId, systemClock.now());
  const outcome = await store.writer.submit(
    eraseCustomer(environmentId, customerId, facts, {
      by: userInfo().username,
      reason,
      isForced: options.force,
      retentionYears: found.kind === 'live' ? options.retentionYears : 0,
    }),
  );
  if (outcome.kind === 'refused') throw new ConfigError(outcome.refusal.message);
  await scrubCustomer(store.pool, customerId, toIsoTime(systemClock.now()));
  printLine(`${customerId} is erased.`);
}
