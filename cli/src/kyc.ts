import type { CaseDecision } from '@openledger/server/identity/state.ts';
import { ConfigError } from '@openledger/server/platform/config.ts';
import { limits } from '@openledger/server/platform/limits.ts';
import type { RejectionReason } from '@openledger/server/resources/customers/schema.ts';
import { decideCase } from '@openledger/server/resources/identity/commands.ts';
import { type CustomerCase, findCase, listWaiting } from '@openledger/server/resources/identity/queries.ts';
import { printLine, printLines } from './print.ts';
import type { Store } from './store.ts';

/** Lists the customers who wait for a decision, without personal data. */
export async function listKycCommand({ pool }: Store): Promise<void> {
  const lines = (await listWaiting(pool)).map(({ customerId, kind, submittedAt, type }) =>
    [customerId, kind.padEnd(4), type.padEnd(10), submittedAt ?? 'never submitted'].join('  '),
  );
  printLines(lines.length === 0 ? ['Nobody waits for a decision.'] : lines);
}

/** The case of a customer. @throws ConfigError if the customer does not exist or was erased */
export async function requireCase({ pool }: Pick<Store, 'pool'>, customerId: string): Promise<CustomerCase> {
  const found = await findCase(pool, customerId);
  if (!found) throw new ConfigError(`There is no customer ${customerId}.`);
  if (found.customer.erased_at !== null) throw new ConfigError(`The customer ${customerId} was erased.`);
  return found;
}

/** Approves a customer who is under review. */
export async function approveKycCommand(store: Store, customerId: string): Promise<void> {
  await decide(store, customerId, 'approved', []);
  printLine(`${customerId} is approved.`);
}

export interface RejectOptions {
  readonly code: string;
  readonly message: string;
  readonly customerMessage: string;
  readonly askAgain: boolean;
}

/** Rejects a customer who is under review, or asks them to submit again. */
export async function rejectKycCommand(
  store: Store,
  customerId: string,
  options: RejectOptions,
): Promise<void> {
  const reason = {
    code: checked('--code', options.code),
    message: checked('--message', options.message),
    customerMessage: checked('--customer-message', options.customerMessage),
  };
  await decide(store, customerId, options.askAgain ? 'incomplete' : 'rejected', [reason]);
  printLine(`${customerId} is ${options.askAgain ? 'asked to submit again' : 'rejected'}.`);
}

/** @throws ConfigError if the text exceeds the limits of the API */
function checked(option: string, text: string): string {
  const trimmed = text.trim();
  if (trimmed !== '' && trimmed.length <= limits.shortTextLength && trimmed.isWellFormed()) return trimmed;
  throw new ConfigError(`${option} must have 1 to ${limits.shortTextLength} characters.`);
}

async function decide(
  store: Store,
  customerId: string,
  decision: CaseDecision,
  reasons: readonly RejectionReason[],
): Promise<void> {
  const { customer } = await requireCase(store, customerId);
  const ref = { environmentId: customer.environment_id, customerId };
  const outcome = await store.writer.submit(decideCase(ref, decision, reasons, 'operator'));
  if (outcome.kind === 'accepted' && outcome.result === 'decided') return;
  const { customer: now } = await requireCase(store, customerId);
  throw new ConfigError(`${customerId} must be under review; its identity is ${now.kyc_status}.`);
}
