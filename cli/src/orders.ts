import { setTimeout as sleep } from 'node:timers/promises';
import { findAction } from '@openledger/server/onchain/operator/queries.ts';
import { submitOrder } from '@openledger/server/onchain/operator/requests.ts';
import { isOpen } from '@openledger/server/onchain/operator/state.ts';
import { ConfigError } from '@openledger/server/platform/config.ts';
import { ApiError } from '@openledger/server/platform/errors.ts';
import type { OperatorActionRow } from '@openledger/server/store/tables/chains.ts';
import type { Command as WriterCommand } from '@openledger/server/writer/command.ts';
import { type Command, InvalidArgumentError } from 'commander';
import { printJson, printLine } from './print.ts';
import type { Store } from './store.ts';

/** The options of every order. */
export interface OrderOptions {
  readonly reason: string;
  readonly wait: number;
  readonly json: boolean;
}

/** Adds the options of every order. */
export function withOrderOptions(command: Command): Command {
  return command
    .requiredOption('--reason <text>', 'the reason, for your records')
    .option('--wait <seconds>', 'how long to wait until a server has carried it out', parseSeconds, 30)
    .option('--json', 'print JSON', false);
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (Number.isInteger(seconds) && seconds >= 0 && seconds <= 3600) return seconds;
  throw new InvalidArgumentError('It must be an integer from 0 to 3600.');
}

/** Parses the maximum number of lines of a list. */
export function parseCount(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= 10_000) return count;
  throw new InvalidArgumentError('It must be an integer from 1 to 10000.');
}

/**
 * Makes an order, waits until the server has carried it out, and prints what became of it. The exit code is 1 if it was refused.
 *
 * @throws ConfigError if the order breaks a rule
 */
export async function runOrder(
  { pool, writer }: Store,
  { json, wait }: OrderOptions,
  make: () => Promise<WriterCommand<OperatorActionRow>>,
): Promise<void> {
  const made = await submitOrder(writer, make).catch((error: unknown) => {
    throw error instanceof ApiError ? new ConfigError(error.refusal.message) : error;
  });
  let action = made;
  for (const untilMs = Date.now() + wait * 1000; isOpen(action) && Date.now() < untilMs; ) {
    await sleep(200);
    action = (await findAction(pool, action.id)) ?? action;
  }
  if (json) printJson(actionView(action));
  else printLine(`${action.id}: ${sentenceOf(action)}`);
  if (action.status === 'refused') process.exitCode = 1;
}

/** An action as it is printed. */
export function actionView(action: OperatorActionRow): object {
  const {
    chain,
    created_at: createdAt,
    id,
    kind,
    reason,
    requested_by: by,
    result,
    status,
    subject,
  } = action;
  return { id, chain, kind, subject, status, result, reason, by, createdAt };
}

function sentenceOf({ result, status }: OperatorActionRow): string {
  switch (status) {
    case 'requested':
      return 'requested; a server that follows the chain carries it out.';
    case 'accepted':
      return 'accepted; it ends when the chain allows.';
    case 'done':
      return `done. ${result ?? ''}`.trimEnd();
    case 'refused':
      return `refused. ${result ?? ''}`.trimEnd();
  }
}
