import { ChainError } from '@openledger/server/chains/errors.ts';
import {
  expectedMinor,
  type Reconciliation,
  terms,
} from '@openledger/server/onchain/reconciliation/explain.ts';
import { reconcileChain } from '@openledger/server/onchain/reconciliation/reconcile.ts';
import { currencyScale, formatAmount } from '@openledger/server/platform/money.ts';
import type { Pool } from '@openledger/server/store/pool.ts';
import type { Command } from 'commander';
import { chainsFileOption, readConfigs, withChain } from './chain-ports.ts';
import { printJson, printLines } from './print.ts';
import { type Store, withReadingVault } from './store.ts';

interface ReconcileOptions {
  readonly chainsFile?: string;
  readonly chain?: string;
  readonly json: boolean;
}

/** The result for one chain. */
interface ChainResult {
  readonly chain: string;
  /** Why the chain cannot be compared; undefined if it was. */
  readonly fault?: string;
  readonly tokens: readonly Reconciliation[];
}

/** Adds `openledger reconcile`. */
export function addReconcileCommand(program: Command): void {
  program
    .command('reconcile')
    .description('compare custody on the books with the balances on the chains, and explain every difference')
    .addOption(chainsFileOption())
    .option('--chain <chain>', 'only this chain')
    .option('--json', 'print JSON', false)
    .action((options: ReconcileOptions) =>
      withReadingVault(program.opts(), (store) => reconcileCommand(store, options)),
    );
}

/** Compares every chain. The exit code is 1 if a difference is unexplained or a chain cannot be compared. */
async function reconcileCommand({ pool }: Store, options: ReconcileOptions): Promise<void> {
  const { chain, chainsFile, json } = options;
  const results: ChainResult[] = [];
  for (const config of readConfigs(chainsFile, chain)) {
    const result = await withChain(pool, config, (port) => compare(pool, port));
    results.push({ chain: config.chain, ...result });
  }
  if (json) printJson(results.map(toJson));
  else printLines(results.flatMap((result, index) => [...(index === 0 ? [] : ['']), ...toLines(result)]));
  const isClean = ({ fault, tokens }: ChainResult): boolean =>
    fault === undefined && tokens.every(({ unexplainedMinor }) => unexplainedMinor === 0n);
  if (!results.every(isClean)) process.exitCode = 1;
}

async function compare(
  pool: Pool,
  port: Parameters<typeof reconcileChain>[1],
): Promise<Pick<ChainResult, 'fault' | 'tokens'>> {
  try {
    const outcome = await reconcileChain(pool, port);
    return outcome.kind === 'done' ? { tokens: outcome.tokens } : { fault: outcome.why, tokens: [] };
  } catch (error) {
    if (error instanceof ChainError) return { fault: error.message, tokens: [] };
    throw error;
  }
}

function toJson({ chain, fault, tokens }: ChainResult): object {
  return {
    chain,
    ...(fault === undefined ? {} : { fault }),
    tokens: tokens.map(({ books, currency, height, held, isNewest, unexplainedMinor }) => {
      const print = (minor: bigint): string => formatAmount(minor, currencyScale[currency]);
      return {
        currency,
        height,
        isNewest,
        held: { treasury: print(held.treasury), addresses: print(held.addresses) },
        explained: Object.fromEntries(
          terms.map(({ name, sign }) => [name, books[name] === undefined ? null : print(sign * books[name])]),
        ),
        unexplained: print(unexplainedMinor),
      };
    }),
  };
}

function toLines({ chain, fault, tokens }: ChainResult): string[] {
  if (fault !== undefined) return [chain, `  ${fault}`];
  return tokens.flatMap((token, index) => [...(index === 0 ? [] : ['']), ...tokenLines(chain, token)]);
}

function tokenLines(
  chain: string,
  { books, currency, height, held, isNewest, unexplainedMinor }: Reconciliation,
): string[] {
  const print = (minor: bigint): string => formatAmount(minor, currencyScale[currency]).padStart(24);
  const explaining = terms.flatMap(({ name, sign, text }) => {
    const amount = books[name];
    if (amount === undefined) return [`${'unknown'.padStart(24)}  ${text}`];
    return amount === 0n && name !== 'booked' ? [] : [`${print(sign * amount)}  ${text}`];
  });
  const lines = [
    ...explaining,
    `${print(expectedMinor(books))}  explained balance`,
    `${print(held.treasury)}  held by the treasury`,
    `${print(held.addresses)}  held by deposit addresses`,
    `${print(unexplainedMinor)}  unexplained`,
  ];
  const newest = isNewest ? ' (the newest; no node has earlier balances)' : '';
  return [`${currency} on ${chain}, block ${height}${newest}`, ...lines];
}
