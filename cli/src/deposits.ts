import { resolve } from 'node:path';
import { proofKeysOf } from '@openledger/server/custody/transfer-proof.ts';
import { readKeyring } from '@openledger/server/key-files.ts';
import { type ListedDeposit, listDeposits } from '@openledger/server/onchain/operator/overview.ts';
import { type DepositOrder, orderAboutDeposit } from '@openledger/server/onchain/operator/requests.ts';
import { ConfigError } from '@openledger/server/platform/config.ts';
import { currencyScale, parseAmount } from '@openledger/server/platform/money.ts';
import type { Command } from 'commander';
import { operatorName } from './operator.ts';
import { type OrderOptions, parseCount, runOrder, withOrderOptions } from './orders.ts';
import { printAmount } from './payments.ts';
import { printJson, printLines } from './print.ts';
import { type Store, type StoreSettings, withStore, withVault } from './store.ts';

const deposit = ['<deposit>', 'its id, as `deposits list` prints it'] as const;

interface ListOptions {
  readonly chain?: string;
  readonly limit: number;
  readonly all: boolean;
  readonly json: boolean;
}

interface CreditOptions extends OrderOptions {
  readonly wallet?: string;
  readonly amount?: string;
  readonly currency?: string;
}

/** Adds `openledger deposits …`. */
export function addDepositCommands(program: Command): void {
  const deposits = program
    .command('deposits')
    .description('deposits that were not credited, and what becomes of them');
  const settings = (): StoreSettings => program.opts();
  deposits
    .command('list')
    .description('list uncredited deposits that nobody has decided about, the newest first')
    .option('--chain <chain>', 'only this chain')
    .option('--limit <count>', 'the maximum number of deposits', parseCount, 50)
    .option('--all', 'also those that are decided, and what the treasury was funded with', false)
    .option('--json', 'print JSON', false)
    .action((options: ListOptions) => withStore(settings(), (store) => listCommand(store, options)));
  const order = (id: string, options: OrderOptions, of: DepositOrder): Promise<void> =>
    withVault(settings(), async (store) => {
      const keys = proofKeysOf(await readKeyring(resolve(settings().dataDir), settings()));
      const ordering = { reason: options.reason, by: operatorName() };
      const deps = { pool: store.pool, proofKey: () => keys[0] };
      return runOrder(store, options, () => orderAboutDeposit(deps, id, of, ordering));
    });
  withOrderOptions(deposits.command('credit'))
    .description('credit a deposit to the customer whose address received it')
    .argument(...deposit)
    .option('--wallet <wallet>', 'the wallet (wal_…), for what was sent to the treasury')
    .option('--amount <amount>', 'what the customer is credited, for a token that is not configured')
    .option('--currency <currency>', 'in this currency')
    .action((id: string, options: CreditOptions) => order(id, options, creditOf(options)));
  withOrderOptions(deposits.command('return'))
    .description('send a deposit to an address on its chain')
    .argument(...deposit)
    .requiredOption('--to <address>', 'the address')
    .action((id: string, options: OrderOptions & { to: string }) =>
      order(id, options, { kind: 'deposit_return', to: options.to }),
    );
  withOrderOptions(deposits.command('write-off'))
    .description('end a deposit that nobody claims; what arrived stays in custody')
    .argument(...deposit)
    .action((id: string, options: OrderOptions) => order(id, options, { kind: 'deposit_write_off' }));
}

function creditOf({ amount, currency, wallet: walletId }: CreditOptions): DepositOrder {
  if (amount === undefined) return { kind: 'deposit_credit', walletId, currency };
  const parsed = parseAmount(amount, currencyScale.usdc);
  if (!parsed.ok) throw new ConfigError('--amount: must be an amount such as "99.70".');
  return { kind: 'deposit_credit', walletId, currency, amountMinor: parsed.minor };
}

async function listCommand({ pool }: Store, { all, chain, json, limit }: ListOptions): Promise<void> {
  const found = await listDeposits(pool, { all, chain, limit });
  if (json) printJson(found);
  else printLines(found.length === 0 ? ['No uncredited deposit waits for a decision.'] : found.map(lineOf));
}

function lineOf(one: ListedDeposit): string {
  const { address, amount, currency, id, order, orderResult, orderStatus, reason, received, seenAt } = one;
  const brought = `${printAmount(amount, currency)}, ${printAmount(received, currency)} received`;
  const words = [id, seenAt, reason, brought, `to ${address}`];
  const decided =
    order === null ? [] : [`${order} ${orderStatus}`, ...(orderResult === null ? [] : [orderResult])];
  return [...words, ...decided].join('  ');
}
