import { setTimeout as sleep } from 'node:timers/promises';
import { requestRescan } from '@openledger/server/onchain/rescans/commands.ts';
import {
  findRequestedRescan,
  type OpenRescans,
  type Rescan,
} from '@openledger/server/onchain/rescans/queries.ts';
import { ConfigError } from '@openledger/server/platform/config.ts';
import { type Command, InvalidArgumentError } from 'commander';
import { requireChain } from './chain-name.ts';
import { printJson, printLine } from './print.ts';
import { type Store, withStore } from './store.ts';

interface RescanOptions {
  readonly from: number;
  readonly to?: number;
  readonly wait: boolean;
  readonly json: boolean;
}

const progressMs = 1000;

/** Adds `openledger chains rescan`. */
export function addRescanCommand(chains: Command, program: Command): void {
  chains
    .command('rescan')
    .description(
      'read final blocks again, and credit what was not recorded; the server that follows the chain does it',
    )
    .argument('<chain>', 'the chain, such as base')
    .requiredOption('--from <height>', 'the first block', parseHeight)
    .option('--to <height>', 'the last block; the last one that is credited by default', parseHeight)
    .option('--wait', 'show the progress until it has ended', false)
    .option('--json', 'print JSON', false)
    .action((chain: string, options: RescanOptions) =>
      withStore(program.opts(), (store) => rescanCommand(store, chain, options)),
    );
}

function parseHeight(text: string): number {
  const height = Number(text);
  if (/^\d{1,15}$/.test(text) && Number.isSafeInteger(height)) return height;
  throw new InvalidArgumentError('It must be the number of a block.');
}

async function rescanCommand({ pool }: Store, name: string, options: RescanOptions): Promise<void> {
  const { from, json, to, wait } = options;
  const chain = requireChain(name);
  const asked = await requestRescan(pool, chain, from, to);
  if (!asked.ok) throw new ConfigError(asked.message);
  const { toHeight } = asked;
  if (!json)
    printLine(`Blocks ${from} to ${toHeight} of ${chain} are read again by the server that follows it.`);
  for (;;) {
    const rescan = await findRequestedRescan(pool, chain, from, toHeight);
    if (!rescan) return;
    const isEnd = !wait || rescan.finishedAt !== null;
    if (json && isEnd) printJson(rescan);
    if (!json && wait) printLine(progressText(rescan));
    if (isEnd) return;
    await sleep(progressMs);
  }
}

function progressText({ fault, found, fromHeight, nextHeight, toHeight }: Rescan): string {
  const why = fault === null ? '' : `; ${fault}`;
  return `${nextHeight - fromHeight} of ${toHeight - fromHeight + 1} blocks, ${found} transfers found${why}`;
}

/** Open rescans of one reason in words. */
export function rescanText(open: OpenRescans): string {
  const { count, fault, found, nextHeight, reason, toHeight, waiting } = open;
  const why = fault === null ? '' : `; ${fault}`;
  switch (reason) {
    case 'requested':
      return `blocks ${nextHeight} to ${toHeight} as requested, ${found} found so far${why}`;
    case 'over_limit':
      return `${count} blocks with more than is recorded in a turn, ${waiting} transfers left${why}`;
    case 'not_measured':
      return `${count} blocks whose state too few nodes have, ${waiting} transfers left${why}`;
  }
}
