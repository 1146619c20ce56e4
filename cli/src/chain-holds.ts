import type { Chain } from '@openledger/server/chains/registry.ts';
import { holdChain, releaseHold } from '@openledger/server/onchain/holds/commands.ts';
import { listHolds } from '@openledger/server/onchain/holds/queries.ts';
import { describeOutflow } from '@openledger/server/onchain/outflows/commands.ts';
import { listUnknown } from '@openledger/server/onchain/outflows/queries.ts';
import { ConfigError } from '@openledger/server/platform/config.ts';
import type { Command } from 'commander';
import { requireChain } from './chain-name.ts';
import { operatorName, parseReason } from './operator.ts';
import { printJson, printLine } from './print.ts';
import { type Store, withVault } from './store.ts';

interface HoldOptions {
  readonly reason: string;
  readonly json: boolean;
}

/** Adds `openledger chains pause` and `resume`. */
export function addHoldCommands(chains: Command, program: Command): void {
  for (const [name, description, run] of [
    ['pause', 'sign nothing on a chain; accepted transfers wait, and what is signed is followed on', pause],
    ['resume', 'release every hold of a chain, after you have looked at what it names', resume],
  ] as const) {
    chains
      .command(name)
      .description(`${description}; requires the master key`)
      .argument('<chain>', 'the chain, such as base')
      .requiredOption('--reason <text>', 'the reason, for your records')
      .option('--json', 'print JSON', false)
      .action((chain: string, options: HoldOptions) =>
        withVault(program.opts(), (store) => run(store, requireChain(chain), options)),
      );
  }
}

async function pause({ pool }: Store, chain: Chain, { json, reason }: HoldOptions): Promise<void> {
  await holdChain(pool, chain, 'paused', parseReason(reason), { by: operatorName() });
  const holds = await listHolds(pool, chain);
  if (json) printJson({ chain, holds });
  else printLine(`Nothing is signed on ${chain} until you run: openledger chains resume ${chain}`);
}

async function resume({ pool }: Store, chain: Chain, { json, reason }: HoldOptions): Promise<void> {
  const release = { by: operatorName(), reason: parseReason(reason) };
  const unknown = await listUnknown(pool, chain);
  if (unknown.length > 0) {
    const texts = unknown.map((outflow) => `  ${describeOutflow(outflow)}`);
    throw new ConfigError(
      [
        `${chain} stays held: explain first what left (openledger chains adopt ${chain} TX_HASH):`,
        ...texts,
      ].join('\n'),
    );
  }
  const released = [];
  for (const hold of await listHolds(pool, chain)) {
    if (await releaseHold(pool, hold.id, release)) released.push(hold);
  }
  if (json) printJson({ chain, released });
  else if (released.length === 0) printLine(`${chain} is not held.`);
  else for (const { detail, kind } of released) printLine(`Released: ${kind}: ${detail}`);
}
