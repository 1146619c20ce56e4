import { ChainError } from '@openledger/server/chains/errors.ts';
import { describeOutflow } from '@openledger/server/onchain/outflows/commands.ts';
import { checkRestored, type RestoreCheck } from '@openledger/server/onchain/outflows/restore-check.ts';
import { currencyScale, formatAmount } from '@openledger/server/platform/money.ts';
import type { Command } from 'commander';
import { chainsFileOption, readConfigs, withChain } from './chain-ports.ts';
import { printJson, printLines } from './print.ts';
import { type Store, withReadingVault } from './store.ts';

interface RestoreCheckOptions {
  readonly chainsFile?: string;
  readonly chain?: string;
  readonly json: boolean;
}

interface ChainCheck {
  readonly chain: string;
  /** Why the chain cannot be compared; undefined if it was. */
  readonly fault?: string;
  readonly check?: RestoreCheck;
}

/** Adds `openledger restore-check`. */
export function addRestoreCheckCommand(program: Command): void {
  program
    .command('restore-check')
    .description(
      'after a restore, before you serve: find out whether the database is older than its chains, and what it does not know',
    )
    .addOption(chainsFileOption())
    .option('--chain <chain>', 'only this chain')
    .option('--json', 'print JSON', false)
    .action((options: RestoreCheckOptions) =>
      withReadingVault(program.opts(), (store) => restoreCheck(store, options)),
    );
}

/** Compares every chain. The exit code is 1 if something is unknown or a chain cannot be compared. */
async function restoreCheck(
  { pool }: Store,
  { chain, chainsFile, json }: RestoreCheckOptions,
): Promise<void> {
  const checks: ChainCheck[] = [];
  for (const config of readConfigs(chainsFile, chain)) {
    try {
      const check = await withChain(pool, config, (port) => checkRestored(pool, port));
      const fault = 'No server has followed it yet: there is nothing to compare.';
      checks.push({ chain: config.chain, ...(check ? { check } : { fault }) });
    } catch (error) {
      if (!(error instanceof ChainError)) throw error;
      checks.push({ chain: config.chain, fault: error.message });
    }
  }
  if (json) printJson(checks.map(toJson));
  else printLines(checks.flatMap(toLines));
  const isClean = ({ check }: ChainCheck): boolean => check !== undefined && listUnknown(check).length === 0;
  if (!checks.every(isClean)) process.exitCode = 1;
}

/** Everything that the chain knows and the database does not, each once. */
function listUnknown({ movements, nonces, recorded }: RestoreCheck): string[] {
  const texts = [
    ...recorded.map(describeOutflow),
    ...nonces.map(({ sender, sequence }) => `nonce ${sequence} of ${sender}`),
    ...movements.map(({ amount, currency, to, txHash }) => {
      return `${formatAmount(amount, currencyScale.usdc)} ${currency} to ${to || 'nobody'} in ${txHash}`;
    }),
  ];
  return [...new Set(texts)];
}

function toJson({ chain, check, fault }: ChainCheck): object {
  if (!check) return { chain, fault };
  const unknown = listUnknown(check);
  return { chain, head: check.head, confirmed: check.confirmed, isOlder: unknown.length > 0, unknown };
}

function toLines({ chain, check, fault }: ChainCheck): string[] {
  if (!check) return [`${chain}: ${fault}`];
  const { confirmed, head } = check;
  const unknown = listUnknown(check);
  const read = `The database has read final blocks up to ${confirmed}; the newest block is ${head}.`;
  if (unknown.length === 0) return [`${chain}: The database knows everything that left. ${read}`];
  return [
    `${chain}: The database is older than the chain. ${read} It does not know:`,
    ...unknown.map((text) => `  ${text}`),
    `  Payments are held until each is explained: openledger chains adopt ${chain} TX_HASH`,
  ];
}
