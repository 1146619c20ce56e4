import { networks } from '@openledger/server/chains/networks.ts';
import { type ChainStanding, listNotices, listStandings } from '@openledger/server/onchain/status/queries.ts';
import { ConfigError } from '@openledger/server/platform/config.ts';
import { currencyScale, formatAmount } from '@openledger/server/platform/money.ts';
import { type Command, InvalidArgumentError } from 'commander';
import { printLine, printLines } from './print.ts';
import { type Store, withStore } from './store.ts';

/** What looks at the real chains. */
export function addChainCommands(program: Command): void {
  const chains = program.command('chains').description('the real chains that live keys are served on');
  chains
    .command('status')
    .description('show how far each chain has been read, how its nodes are, and what waits')
    .action(() => withStore(program.opts(), chainStatusCommand));
  chains
    .command('notices')
    .description('list what arrived at addresses of ours and was not credited, and why, the newest first')
    .option('--chain <chain>', 'of this chain only')
    .option('--limit <count>', 'so many at most', parseCount, 50)
    .action((options: NoticeOptions) =>
      withStore(program.opts(), (store) => chainNoticesCommand(store, options)),
    );
}

interface NoticeOptions {
  readonly chain?: string;
  readonly limit: number;
}

function parseCount(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= 10_000) return count;
  throw new InvalidArgumentError('Give a whole number from 1 to 10000.');
}

async function chainStatusCommand({ pool }: Store): Promise<void> {
  const standings = await listStandings(pool);
  if (standings.length === 0) printLine('No server has looked at a chain yet.');
  printLines(
    standings.flatMap((standing, index) => [...(index === 0 ? [] : ['']), ...statusLines(standing)]),
  );
}

function statusLines(standing: ChainStanding): string[] {
  const { chain, confirmed, fault, head, lookedAt, network, nodes, scanned } = standing;
  const behind = head === null || scanned === null ? '' : ` (${head > scanned ? head - scanned : 0n} behind)`;
  const oldest = standing.oldestPayment === null ? '' : `, the oldest since ${standing.oldestPayment}`;
  const lines = [
    ['network', network],
    ['looked at', lookedAt],
    ['newest block', head ?? 'unknown'],
    ['shown up to', `${scanned ?? 'nothing'}${behind}`],
    ['credited up to', confirmed ?? 'nothing'],
    ['deposits that wait', standing.pendingDeposits],
    ['payments on their way', `${standing.openPayments}${oldest}`],
    ['fault', fault ?? 'none'],
    ...nodes.map((node) => [`node ${node.name}`, node.fault ?? 'of use']),
  ];
  return [chain, ...lines.map(([label, value]) => `  ${String(label).padEnd(24)}  ${value}`)];
}

async function chainNoticesCommand({ pool }: Store, { chain, limit }: NoticeOptions): Promise<void> {
  if (chain !== undefined && !Object.hasOwn(networks, chain)) {
    throw new ConfigError(`--chain: There is no such chain. Give ${Object.keys(networks).join(', ')}.`);
  }
  const lines = (await listNotices(pool, chain, limit)).map((notice) => {
    const { address, amount, currency, received, seenAt, token, txHash } = notice;
    // What has no currency is counted in units that nobody has told us.
    const print = (units: string) =>
      currency === null ? units : `${formatAmount(BigInt(units), currencyScale.usdc)} ${currency}`;
    const brought = received === '0' ? '' : ` of which ${print(received)} have arrived`;
    const words = [seenAt, notice.chain.padEnd(9), notice.reason.padEnd(16), `${print(amount)}${brought}`];
    return [...words, `to ${address}`, `token ${token}`, txHash].join('  ');
  });
  printLines(lines.length === 0 ? ['There is nothing to tell of.'] : lines);
}
