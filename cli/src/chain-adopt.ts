import { ChainError } from '@openledger/server/chains/errors.ts';
import { type Adoption, adoptTransaction } from '@openledger/server/onchain/outflows/adopt.ts';
import { AdoptionError } from '@openledger/server/onchain/outflows/adoption-error.ts';
import { ConfigError } from '@openledger/server/platform/config.ts';
import { currencyScale, formatAmount } from '@openledger/server/platform/money.ts';
import type { Command } from 'commander';
import { chainsFileOption, readConfigs, withChain } from './chain-ports.ts';
import { operatorName, parseReason } from './operator.ts';
import { printJson, printLines } from './print.ts';
import { type Store, withVault } from './store.ts';

interface AdoptOptions {
  readonly transfer?: string;
  readonly reason?: string;
  readonly chainsFile?: string;
  readonly json: boolean;
}

/** Adds `openledger chains adopt`. */
export function addAdoptCommand(chains: Command, program: Command): void {
  chains
    .command('adopt')
    .description(
      'explain a transaction of the treasury that the books did not give out: it paid a transfer, or is booked as a loss; requires the master key',
    )
    .argument('<chain>', 'the chain, such as base')
    .argument('<transaction>', 'its hash or id')
    .option(
      '--transfer <transfer>',
      'the transfer that it paid (txn_…); found by itself if there is one only',
    )
    .option('--reason <text>', 'the reason, for your records; required for what paid no transfer')
    .addOption(chainsFileOption())
    .option('--json', 'print JSON', false)
    .action((chain: string, txHash: string, options: AdoptOptions) =>
      withVault(program.opts(), (store) => adopt(store, chain, txHash, options)),
    );
}

async function adopt(
  { pool, writer }: Store,
  chain: string,
  txHash: string,
  { chainsFile, json, reason, transfer }: AdoptOptions,
): Promise<void> {
  const [config] = readConfigs(chainsFile, chain);
  if (!config) return;
  const order = {
    txHash: config.family === 'solana' ? txHash : txHash.toLowerCase(),
    transferId: transfer,
    reason: reason === undefined ? undefined : parseReason(reason),
    by: operatorName(),
  };
  try {
    const adoptions = await withChain(pool, config, (port) =>
      adoptTransaction({ pool, writer, port }, order),
    );
    if (json) printJson(adoptions.map(toJson));
    else printLines(adoptions.map(toLine));
  } catch (error) {
    if (error instanceof AdoptionError || error instanceof ChainError) throw new ConfigError(error.message);
    throw error;
  }
}

function amountOf({ movement }: Adoption): string {
  return movement ? `${formatAmount(movement.amount, currencyScale.usdc)} ${movement.currency}` : '';
}

function toJson(adoption: Adoption): object {
  const { movement, reference = null, resolution } = adoption;
  return { resolution, reference, amount: movement ? amountOf(adoption) : null, to: movement?.to ?? null };
}

function toLine(adoption: Adoption): string {
  const { movement, reference, resolution } = adoption;
  switch (resolution) {
    case 'payment':
      return reference === undefined
        ? 'It was signed here.'
        : `It paid ${reference}: ${amountOf(adoption)} to ${movement?.to}.`;
    case 'outflow':
      return `${amountOf(adoption)} to ${movement?.to} is booked as a loss: ${reference}.`;
    case 'no_outflow':
      return 'Nothing left our addresses with it.';
  }
}
