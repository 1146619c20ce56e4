import { networks } from '@openledger/server/chains/networks.ts';
import { listUncredited } from '@openledger/server/onchain/deposits/uncredited.ts';
import { type Hold, listShownHolds } from '@openledger/server/onchain/holds/queries.ts';
import { listOpenRescans, type OpenRescans } from '@openledger/server/onchain/rescans/queries.ts';
import { type ChainStatus, listStatuses } from '@openledger/server/onchain/status/queries.ts';
import { ConfigError } from '@openledger/server/platform/config.ts';
import { currencyScale, formatAmount } from '@openledger/server/platform/money.ts';
import { type Command, InvalidArgumentError } from 'commander';
import { addAdoptCommand } from './chain-adopt.ts';
import { addHoldCommands } from './chain-holds.ts';
import { addRescanCommand, rescanText } from './chain-rescans.ts';
import { printLine, printLines } from './print.ts';
import { type Store, withStore } from './store.ts';

/** Adds `openledger chains …`. */
export function addChainCommands(program: Command): void {
  const chains = program.command('chains').description('the real chains that live keys are served on');
  chains
    .command('status')
    .description('show how far each chain has been read, the health of its nodes, and what is pending')
    .action(() => withStore(program.opts(), chainStatusCommand));
  chains
    .command('uncredited')
    .description('list deposits that were not credited, with the reason, the newest first')
    .option('--chain <chain>', 'only this chain')
    .option('--limit <count>', 'the maximum number of deposits', parseCount, 50)
    .action((options: UncreditedOptions) =>
      withStore(program.opts(), (store) => uncreditedCommand(store, options)),
    );
  addRescanCommand(chains, program);
  addHoldCommands(chains, program);
  addAdoptCommand(chains, program);
}

interface UncreditedOptions {
  readonly chain?: string;
  readonly limit: number;
}

function parseCount(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= 10_000) return count;
  throw new InvalidArgumentError('It must be an integer from 1 to 10000.');
}

async function chainStatusCommand({ pool }: Store): Promise<void> {
  const statuses = await listStatuses(pool);
  const holds = await listShownHolds(pool);
  const rescans = await listOpenRescans(pool);
  if (statuses.length === 0) printLine('No server has followed a chain yet.');
  printLines(
    statuses.flatMap((status, index) => {
      const isOfChain = ({ chain }: { readonly chain: string }): boolean => chain === status.chain;
      const lines = statusLines(status, holds.filter(isOfChain), rescans.filter(isOfChain));
      return [...(index === 0 ? [] : ['']), ...lines];
    }),
  );
}

function statusLines(status: ChainStatus, holds: readonly Hold[], rescans: readonly OpenRescans[]): string[] {
  const { chain, checkedAt, confirmed, fault, head, network, nodes, scanned } = status;
  const behind = head === null || scanned === null ? '' : ` (${head > scanned ? head - scanned : 0n} behind)`;
  const oldest = status.oldestPayment === null ? '' : `, the oldest since ${status.oldestPayment}`;
  const lines = [
    ['network', network],
    ['checked at', checkedAt],
    ['newest block', head ?? 'unknown'],
    ['shown up to', `${scanned ?? 'nothing'}${behind}`],
    ['credited up to', confirmed ?? 'nothing'],
    ['pending deposits', status.pendingDeposits],
    ...(status.awaitingRate > 0n
      ? [['waiting for a rate', `${status.awaitingRate}: ${status.rateFault ?? 'there is one now'}`]]
      : []),
    ['open payments', `${status.openPayments}${oldest}`],
    ...rescans.map((rescan) => ['read again', rescanText(rescan)]),
    ['wait for an operator', `${status.paymentsForOperator} payments`],
    ['deep reorganisations', reorganisationText(status)],
    ['payments', holds.length === 0 ? 'signed' : 'held'],
    ...holds.map(({ detail, kind, openedAt, openedBy }) => [
      `held since ${openedAt}`,
      `${kind}${openedBy === null ? '' : ` by ${openedBy}`}: ${detail}`,
    ]),
    ['fault', fault ?? 'none'],
    ...nodes.map((node) => [`node ${node.name}`, node.fault ?? 'healthy']),
  ];
  return [chain, ...lines.map(([label, value]) => `  ${String(label).padEnd(24)}  ${value}`)];
}

function reorganisationText({ lastReorganisation: last, reorganisations }: ChainStatus): string {
  if (!last) return 'none';
  const { confirmedHeight, depositsReversed, detectedAt, forkHeight, paymentsReopened } = last;
  const blocks = `blocks ${forkHeight + 1} to ${confirmedHeight} replaced`;
  const undone = `${depositsReversed} deposits reversed, ${paymentsReopened} payments followed again`;
  return `${reorganisations}, the last at ${detectedAt}: ${blocks}, ${undone}`;
}

async function uncreditedCommand({ pool }: Store, { chain, limit }: UncreditedOptions): Promise<void> {
  if (chain !== undefined && !Object.hasOwn(networks, chain)) {
    throw new ConfigError(`--chain: must be one of ${Object.keys(networks).join(', ')}.`);
  }
  const lines = (await listUncredited(pool, chain, limit)).map((deposit) => {
    const { address, amount, currency, received, seenAt, token, txHash } = deposit;
    // The decimals of a token that is not configured are unknown.
    const print = (units: string) =>
      currency === null ? units : `${formatAmount(BigInt(units), currencyScale.usdc)} ${currency}`;
    const brought = received === '0' ? '' : ` of which ${print(received)} were received`;
    const words = [seenAt, deposit.chain.padEnd(9), deposit.reason.padEnd(16), `${print(amount)}${brought}`];
    return [...words, `to ${address}`, `token ${token}`, txHash].join('  ');
  });
  printLines(lines.length === 0 ? ['There are no uncredited deposits.'] : lines);
}
