import { resolve } from 'node:path';
import { type Chain, chainFamily, nativeScale } from '@openledger/server/chains/registry.ts';
import type { ChainPolicy } from '@openledger/server/custody/policy.ts';
import { connectSigner } from '@openledger/server/custody/remote-signer.ts';
import type { SignerStatus } from '@openledger/server/custody/signer.ts';
import { toIsoTime } from '@openledger/server/platform/clock.ts';
import { ConfigError } from '@openledger/server/platform/config.ts';
import { currencyScale, formatAmount } from '@openledger/server/platform/money.ts';
import { type Command, Option } from 'commander';
import { printJson, printLines } from './print.ts';

interface StatusOptions {
  readonly socket: string;
  readonly json: boolean;
}

/** A limit per day, and what is spent of it. Amounts are decimal strings. */
interface DayLimit {
  readonly asset: string;
  readonly perTransfer: string | null;
  readonly perDay: string;
  readonly spentToday: string;
  /** What was signed again after it had expired, which has a limit of its own, as high as `perDay`. */
  readonly signedAgainToday: string;
}

/** Adds `openledger signer status`. */
export function addSignerStatus(group: Command): void {
  group
    .command('status')
    .description('show whether the signer responds, its addresses, its limits and its record; never secrets')
    .addOption(
      new Option('--socket <path>', 'the Unix socket that it listens on')
        .env('OPENLEDGER_SIGNER_SOCKET')
        .makeOptionMandatory(),
    )
    .option('--json', 'print JSON', false)
    .action(statusCommand);
}

async function statusCommand({ json, socket }: StatusOptions): Promise<void> {
  const signer = connectSigner(resolve(socket));
  let status: SignerStatus;
  try {
    status = await signer.status();
  } catch (error) {
    throw new ConfigError(`--socket: ${(error as Error).message} (${resolve(socket)})`);
  } finally {
    signer.close();
  }
  if (json) printJson(toJson(status));
  else printLines(toLines(status));
}

function toJson({ day, policy, record, treasuries }: SignerStatus) {
  return {
    day,
    record: {
      entries: record.entries ?? null,
      bytes: record.bytes ?? null,
      lastEntryAt: record.lastAtMs === null ? null : toIsoTime(record.lastAtMs),
    },
    chains: Object.entries(policy).map(([name, limits]) => {
      const chain = name as Chain;
      const treasury = treasuries.find((known) => known.chain === chain)?.address ?? '';
      return {
        chain,
        treasury,
        maxFee: formatAmount(limits.maxFeeNative, nativeScale[chainFamily(chain)]),
        limits: limitsOf(chain, limits, record.spent),
      };
    }),
  };
}

function limitsOf(chain: Chain, policy: ChainPolicy, spent: SignerStatus['record']['spent']): DayLimit[] {
  const spentOf = (asset: string): bigint =>
    spent.find((each) => each.chain === chain && each.asset === asset)?.amount ?? 0n;
  const limit = (asset: string, scale: number, perDay: bigint, perTransfer?: bigint): DayLimit => ({
    asset,
    perTransfer: perTransfer === undefined ? null : formatAmount(perTransfer, scale),
    perDay: formatAmount(perDay, scale),
    spentToday: formatAmount(spentOf(asset), scale),
    signedAgainToday: formatAmount(spentOf(`${asset} again`), scale),
  });
  return [
    ...Object.entries(policy.tokens).map(([currency, { perDayMinor, perTransferMinor }]) =>
      limit(currency, currencyScale.usdc, perDayMinor, perTransferMinor),
    ),
    limit('native', nativeScale[chainFamily(chain)], policy.nativePerDay),
  ];
}

function toLines(status: SignerStatus): string[] {
  const { chains, day, record } = toJson(status);
  const lines = [
    'The signer responds.',
    `record: ${record.entries} entries, ${record.bytes} bytes, the last at ${record.lastEntryAt ?? 'no time'}`,
    `day: ${day} (UTC)`,
  ];
  for (const { chain, limits, maxFee, treasury } of chains) {
    lines.push('', chain, `  treasury  ${treasury}`, `  maximum fee of a transaction  ${maxFee}`);
    for (const { asset, perDay, perTransfer, signedAgainToday, spentToday } of limits) {
      const each = perTransfer === null ? '' : `, ${perTransfer} per transfer`;
      const again = Number(signedAgainToday) > 0 ? `, signed again ${signedAgainToday}` : '';
      lines.push(`  ${asset.padEnd(6)}  ${spentToday} of ${perDay} spent today${each}${again}`);
    }
  }
  return lines;
}
