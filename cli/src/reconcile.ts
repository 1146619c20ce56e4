import { readChainsFile } from '@openledger/server/chains/config.ts';
import { ChainError } from '@openledger/server/chains/errors.ts';
import { openChain } from '@openledger/server/chains/families.ts';
import {
  expectedMinor,
  type Reconciliation,
  terms,
} from '@openledger/server/onchain/reconciliation/explain.ts';
import { reconcileChain } from '@openledger/server/onchain/reconciliation/reconcile.ts';
import { ConfigError } from '@openledger/server/platform/config.ts';
import { currencyScale, formatAmount } from '@openledger/server/platform/money.ts';
import type { Pool } from '@openledger/server/store/pool.ts';
import { type Command, Option } from 'commander';
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
    .addOption(
      new Option('--chains-file <path>', "the server's chain configuration, in JSON").env(
        'OPENLEDGER_CHAINS_FILE',
      ),
    )
    .option('--chain <chain>', 'only this chain')
    .option('--json', 'print JSON', false)
    .action((options: ReconcileOptions) =>
      withReadingVault(program.opts(), (store) => reconcileCommand(store, options)),
    );
}

/** Compares every chain. The exit code is 1 if a difference is unexplained or a chain cannot be compared. */
async function reconcileCommand({ pool }: Store, options: ReconcileOptions): Promise<void> {
  const { chain, chainsFile, json } = options;
  if (chainsFile === undefined) {
    throw new ConfigError('--chains-file (OPENLEDGER_CHAINS_FILE): required.');
  }
  const configs = readChainsFile(chainsFile).filter(
    (config) => chain === undefined || config.chain === chain,
  );
  if (configs.length === 0) throw new ConfigError(`--chain: ${chain} must be configured in the chains file.`);
  const results: ChainResult[] = [];
  for (const config of configs) {
    const port = openChain(config, '', noSigner, () => undefined);
    try {
      results.push({ chain: config.chain, ...(await compare(pool, port)) });
    } finally {
      await port.close();
    }
  }
  if (json) printJson(results.map(toJson));
  else printLines(results.flatMap((result, index) => [...(index === 0 ? [] : ['']), ...toLines(result)]));
  const isClean = ({ fault, tokens }: ChainResult): boolean =>
    fault === undefined && tokens.every(({ unexplainedMinor }) => unexplainedMinor === 0n);
  if (!results.every(isClean)) process.exitCode = 1;
}

/** Reading balances requires no signature. */
const noSigner = {
  sign: async () => Promise.reject(new Error('This command must not sign anything')),
  signAuthorization: async () => Promise.reject(new Error('This command must not sign anything')),
  lastSigned: async () => undefined,
};

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
