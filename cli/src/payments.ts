import { readChainsFile } from '@openledger/server/chains/config.ts';
import { type NodeView, readNodeViews } from '@openledger/server/onchain/operator/node-views.ts';
import { listWaitingPayments, type WaitingPayment } from '@openledger/server/onchain/operator/overview.ts';
import { type PaymentView, viewPayment } from '@openledger/server/onchain/operator/payment-view.ts';
import { orderAboutPayment, type PaymentOrder } from '@openledger/server/onchain/operator/requests.ts';
import { ConfigError } from '@openledger/server/platform/config.ts';
import { currencyScale, formatAmount } from '@openledger/server/platform/money.ts';
import { type Command, Option } from 'commander';
import { operatorName } from './operator.ts';
import { actionView, type OrderOptions, parseCount, runOrder, withOrderOptions } from './orders.ts';
import { ageOf, printJson, printLines } from './print.ts';
import { type Store, type StoreSettings, withReadingVault, withStore, withVault } from './store.ts';

const payment = [
  '<payment>',
  'its id: of a transfer txn_…, of other payments as `payments list` prints it',
] as const;

/** Adds `openledger payments …`. */
export function addPaymentCommands(program: Command): void {
  const payments = program
    .command('payments')
    .description('payments on chains, and what operators order about them');
  const settings = (): StoreSettings => program.opts();
  payments
    .command('list')
    .description('list payments that have not ended: what waits, why, and since when')
    .option('--chain <chain>', 'only this chain')
    .option('--limit <count>', 'the maximum number of payments', parseCount, 100)
    .option('--json', 'print JSON', false)
    .action((options: { chain?: string; limit: number; json: boolean }) =>
      withStore(settings(), (store) => listCommand(store, options)),
    );
  payments
    .command('show')
    .description('show a payment: its transactions and their terms, orders about it, and what each node says')
    .argument(...payment)
    .addOption(
      new Option('--chains-file <path>', "the server's chain configuration; without it no node is asked").env(
        'OPENLEDGER_CHAINS_FILE',
      ),
    )
    .option('--json', 'print JSON', false)
    .action((id: string, options: { chainsFile?: string; json: boolean }) =>
      withReadingVault(settings(), (store) => showCommand(store, id, options)),
    );
  const order = (id: string, options: OrderOptions, of: PaymentOrder): Promise<void> =>
    withVault(settings(), (store) => {
      const ordering = { reason: options.reason, by: operatorName() };
      return runOrder(store, options, () => orderAboutPayment(store.pool, id, of, ordering));
    });
  withOrderOptions(payments.command('bump'))
    .description(
      'replace the newest transaction of a payment at a higher fee, within the limit of the chain (EVM)',
    )
    .argument(...payment)
    .action((id: string, options: OrderOptions) => order(id, options, { kind: 'payment_bump' }));
  withOrderOptions(payments.command('cancel'))
    .description('make sure that a payment can never land, then refund its transfer')
    .argument(...payment)
    .action((id: string, options: OrderOptions) => order(id, options, { kind: 'payment_cancel' }));
  withOrderOptions(payments.command('resolve'))
    .description('state what became of a payment; the nodes of the chain have to confirm it')
    .argument(...payment)
    .option('--paid <transaction>', 'it was paid by this transaction of the treasury')
    .option('--not-paid', 'it was not paid and can never land; its transfer is refunded', false)
    .action((id: string, options: OrderOptions & { paid?: string; notPaid: boolean }) => {
      const { notPaid, paid: txHash } = options;
      if ((txHash !== undefined) === notPaid) {
        throw new ConfigError('payments resolve: exactly one of --paid and --not-paid is required.');
      }
      return order(id, options, { kind: 'payment_resolve', txHash });
    });
}

async function listCommand(
  { pool }: Store,
  { chain, json, limit }: { chain?: string; limit: number; json: boolean },
): Promise<void> {
  const found = await listWaitingPayments(pool, chain, limit);
  if (json) printJson(found);
  else printLines(found.length === 0 ? ['No payment waits.'] : found.map(lineOf));
}

function lineOf(waiting: WaitingPayment): string {
  const { address, amount, chain, currency, id, kind, order, reason, since, state } = waiting;
  const parts = [id, kind, state, ageOf(since), printAmount(amount, currency), chain, address];
  return [...parts, ...(order === null ? [] : [order]), ...(reason === null ? [] : [reason])].join('  ');
}

/** An amount of a configured token in its currency; of anything else in its smallest units. */
export function printAmount(units: string, currency: string | null): string {
  if (currency === null) return units;
  return `${formatAmount(BigInt(units), currencyScale.usdc)} ${currency}`;
}

async function showCommand(
  { pool }: Store,
  id: string,
  { chainsFile, json }: { chainsFile?: string; json: boolean },
): Promise<void> {
  const view = await viewPayment(pool, id);
  if (!view) throw new ConfigError(`There is no payment ${id}.`);
  const config =
    chainsFile === undefined
      ? undefined
      : readChainsFile(chainsFile).find(({ chain }) => chain === view.chain);
  const nodes = config ? await readNodeViews(config, view) : [];
  if (json) printJson({ ...view, actions: view.actions.map(actionView), nodes });
  else printLines([...linesOf(view), ...nodes.map(nodeLine)]);
}

function linesOf(view: PaymentView): string[] {
  const { actions, attempts, voids } = view;
  const label = (name: string, value: unknown): string => `${name.padEnd(14)}  ${value}`;
  return [
    label('payment', view.id),
    label('kind', `${view.kind} on ${view.chain}`),
    label('status', view.status),
    ...(view.transferStatus === null ? [] : [label('transfer', view.transferStatus)]),
    label('amount', printAmount(view.amount, view.currency)),
    label('to', view.address),
    label('from', view.sender ?? 'nothing is reserved'),
    label('nonce or slot', view.sequence ?? 'none'),
    ...(view.reason === null ? [] : [label('waits', `${view.reason} (${ageOf(view.since ?? '')})`)]),
    ...attempts.map(({ signedAt, terms, txHash }) =>
      label('transaction', `${txHash}  ${terms}  ${signedAt}`),
    ),
    ...voids.map(({ signedAt, terms, txHash }) => label('void', `${txHash}  ${terms}  ${signedAt}`)),
    ...actions.map((action) =>
      label(
        'order',
        `${action.created_at}  ${action.kind}  ${action.status}  by ${action.requested_by}: ${action.reason}` +
          (action.result === null ? '' : ` → ${action.result}`),
      ),
    ),
  ];
}

function nodeLine({ fault, head, landed, name, nextNonce }: NodeView): string {
  const text =
    fault ?? `block ${head}, next nonce ${nextNonce}, ${landed ?? 'has none of the transactions in a block'}`;
  return `${`node ${name}`.padEnd(14)}  ${text}`;
}
