import { genesisHash, type JournalDraft, postJournal } from '../ledger/journal.ts';
import type { Clock } from '../platform/clock.ts';
import { toIsoTime } from '../platform/clock.ts';
import { assert, errorStatus } from '../platform/errors.ts';
import type { IdSource } from '../platform/ids.ts';
import type { SaltSource, Vault } from '../platform/seal.ts';
import type { AuthenticatedTableName } from '../store/authenticated-rows.ts';
import { RowNotAuthenticError } from '../store/row-guard.ts';
import type { CustomerRow } from '../store/tables/customers.ts';
import type { IdempotencyKeyRow, JournalHeadRow } from '../store/tables/lanes.ts';
import type { AccountRow } from '../store/tables/ledger.ts';
import { type AnyRow, customerOf } from '../store/tables.ts';
import type { BatchState } from './batch-state.ts';
import type {
  Accepted,
  Answering,
  Command,
  DecideContext,
  Decision,
  EventDraft,
  Holdings,
  Outcome,
  RowRef,
  State,
  StoredAnswer,
} from './command.ts';
import { answerAgain, answerSealContext, keyName, openAnswer } from './idempotency.ts';
import { isForged } from './kept-rows.ts';

/** A command on its way, with or without an idempotency key. */
export interface Submission {
  readonly command: Command<unknown>;
  readonly answering: Answering<unknown> | undefined;
  readonly reads: readonly RowRef[];
  /** Loaded for each try, if the command reads them. */
  readonly holdings?: Holdings;
}

/** What deciding needs besides the state. */
export interface BatchTools {
  readonly lane: number;
  /** The server's time. */
  readonly clock: Clock;
  /** The time in an environment, in milliseconds since the Unix epoch: a sandbox's clock can be ahead of the server's. */
  readonly nowIn: (environmentId: string) => number;
  readonly ids: IdSource;
  readonly vault: Vault;
  /** The base URL that clients reach the servers by; known once the server listens. */
  readonly publicUrl: () => string;
}

/** How a command ends if the batch is committed: with its outcome, or with an unexpected error. */
export type Verdict =
  | { readonly ok: true; readonly outcome: Outcome<unknown> }
  | { readonly ok: false; readonly error: unknown };

/**
 * Decides the commands of a batch in order of arrival, each with the effects of those before it. Pure: the changes are
 * collected in `state` and written by the caller.
 *
 * @param taken the stored responses of idempotency keys
 */
export function decideBatch(
  submissions: readonly Submission[],
  state: BatchState,
  taken: ReadonlyMap<string, IdempotencyKeyRow>,
  tools: BatchTools,
): Verdict[] {
  const vault = tools.vault.withSalts(saltsIn(state));
  return submissions.map((submission) => {
    try {
      const outcome = decideOne(submission, state, taken, { ...tools, vault });
      state.acceptDraft();
      return { ok: true, outcome };
    } catch (error) {
      state.discardDraft();
      return { ok: false, error };
    }
  });
}

/** The salts of customers' keys as the batch leaves them: a command that destroys a key destroys it for the next command. */
function saltsIn(state: BatchState): SaltSource {
  return {
    saltOf: (customerId) => customerIn(state, customerId)?.key_salt,
    load: async () => undefined,
  };
}

function customerIn(state: BatchState, customerId: string): CustomerRow | undefined {
  return state.read('customers', customerId) as unknown as CustomerRow | undefined;
}

function decideOne(
  submission: Submission,
  state: BatchState,
  taken: ReadonlyMap<string, IdempotencyKeyRow>,
  tools: BatchTools,
): Outcome<unknown> {
  const { answering, command } = submission;
  const before = answering && taken.get(keyName(command.environmentId, answering.claim.key));
  if (answering && before) return answerAgain(answering.claim, openAnswer(before, tools.vault));
  const context = createContext(command, tools);
  const decision = command.decide(declaredState(submission, state), context);
  if (!('refusal' in decision)) applyDecision(decision, submission, state, context);
  const answer = answering && keepAnswer(answering, decision, submission, state, context);
  const kept = answer ? { answer } : {};
  return 'refusal' in decision
    ? { kind: 'refused', refusal: decision.refusal, ...kept }
    : { kind: 'accepted', result: decision.result, ...kept };
}

function createContext(command: Command<unknown>, tools: BatchTools): DecideContext {
  const { ids, lane, nowIn, publicUrl, vault } = tools;
  const nowMs = nowIn(command.environmentId);
  return {
    nowMs,
    now: toIsoTime(nowMs),
    environmentId: command.environmentId,
    lane,
    bucket: command.bucket,
    vault: vault.inEnvironment(command.environmentId),
    publicUrl: publicUrl(),
    newId: (prefix, bucket = command.bucket) => ids.next(prefix, bucket),
  };
}

/** The rows that a command declared: other rows may not have been loaded. */
function declaredState(submission: Submission, state: BatchState): State {
  return {
    get(table, id) {
      assertDeclared(submission, table, id);
      const row = state.read(table, id);
      if (isForged(row)) throw new RowNotAuthenticError(table as AuthenticatedTableName, id);
      return row as never;
    },
    holdings() {
      assert(submission.holdings, `${submission.command.name} declares that it reads holdings`);
      return submission.holdings;
    },
  };
}

function assertDeclared({ command, reads }: Submission, table: string, id: string): void {
  const declared = reads.some((ref) => ref.id === id && ref.table === table);
  assert(declared, `${command.name} declares that it reads ${id} of ${table}`);
}

function applyDecision(
  decision: Accepted<unknown>,
  submission: Submission,
  state: BatchState,
  context: DecideContext,
): void {
  for (const { table, row } of decision.writes ?? []) state.write(table, row as unknown as AnyRow);
  if (!decision.journals?.length && !decision.events?.length) return;
  let head = readHead(state, context);
  for (const draft of decision.journals ?? []) head = applyJournal(draft, head, submission, state, context);
  for (const draft of decision.events ?? []) head = applyEvent(draft, head, state, context);
  state.write('journal_heads', head as unknown as AnyRow);
}

function readHead(state: BatchState, context: DecideContext): JournalHeadRow {
  const head = state.read('journal_heads', context.environmentId) as unknown as JournalHeadRow | undefined;
  return (
    head ?? {
      bucket: context.lane,
      environment_id: context.environmentId,
      journal_seq: 0n,
      journal_hash: genesisHash,
      event_seq: 0n,
    }
  );
}

function applyJournal(
  draft: JournalDraft,
  head: JournalHeadRow,
  submission: Submission,
  state: BatchState,
  context: DecideContext,
): JournalHeadRow {
  const posted = postJournal(draft, head, {
    environmentId: context.environmentId,
    lane: context.lane,
    bucket: draft.bucket ?? context.bucket,
    now: context.now,
    newJournalId: (bucket) => context.newId('jrn', bucket),
    readAccount(id) {
      assertDeclared(submission, 'accounts', id);
      return state.read('accounts', id) as unknown as AccountRow | undefined;
    },
  });
  state.write('journals', posted.journal as unknown as AnyRow);
  for (const posting of posted.postings) state.write('postings', posting as unknown as AnyRow);
  for (const account of posted.accounts) state.write('accounts', account as unknown as AnyRow);
  return posted.head;
}

function applyEvent(
  draft: EventDraft,
  head: JournalHeadRow,
  state: BatchState,
  context: DecideContext,
): JournalHeadRow {
  const bucket = draft.bucket ?? context.bucket;
  const id = draft.id ?? context.newId('evt', bucket);
  const seq = head.event_seq + 1n;
  const vault = draft.sensitive ? eventVault(draft, state, context) : undefined;
  const sealed = (text: string, sealContext: string): string => vault?.seal(text, sealContext) ?? text;
  state.write('events', {
    bucket,
    id,
    environment_id: context.environmentId,
    lane: context.lane,
    seq,
    type: draft.type,
    object_id: draft.objectId,
    customer_id: draft.customerId,
    data: sealed(draft.data, eventDataContext(id)),
    previous_attributes:
      draft.previousAttributes === undefined
        ? null
        : sealed(draft.previousAttributes, previousAttributesContext(id)),
    created_at: context.now,
  });
  return { ...head, event_seq: seq };
}

/** The vault that seals an event: with the key of its customer, if it has one. */
function eventVault({ customerId, type }: EventDraft, state: BatchState, context: DecideContext): Vault {
  if (customerId === null) return context.vault;
  const customer = customerIn(state, customerId);
  assert(customer, `the customer of ${type} is loaded, because its key seals the event`);
  return context.vault.forCustomer(customer);
}

/** The sealing context of an event's data. */
export function eventDataContext(eventId: string): string {
  return `events.data:${eventId}`;
}

/** The sealing context of an event's previous attributes. */
export function previousAttributesContext(eventId: string): string {
  return `events.previous_attributes:${eventId}`;
}

function keepAnswer(
  answering: Answering<unknown>,
  decision: Decision<unknown>,
  submission: Submission,
  state: BatchState,
  context: DecideContext,
): StoredAnswer | undefined {
  if ('refusal' in decision && !isKept(errorStatus[decision.refusal.code])) return undefined;
  const answer = answering.render(decision);
  const { claim } = answering;
  const { command } = submission;
  const sealed = (): string => {
    const customer = customerOfAnswer(decision, submission, state);
    const vault = customer ? context.vault.forCustomer(customer) : context.vault;
    return vault.seal(answer.body, answerSealContext(context.environmentId, claim.key));
  };
  state.write('idempotency_keys', {
    bucket: command.bucket,
    environment_id: command.environmentId,
    key: claim.key,
    route: claim.route,
    request_hash: claim.requestHash,
    status: answer.status,
    body: answering.sensitive ? sealed() : answer.body,
    created_at: context.now,
  });
  return answer;
}

/** The customer whose key seals a response: that of the command's events, else that of the rows it read. */
function customerOfAnswer(
  decision: Decision<unknown>,
  { reads }: Submission,
  state: BatchState,
): CustomerRow | undefined {
  const events = 'refusal' in decision ? [] : (decision.events ?? []);
  const named = events.find(({ customerId }) => customerId !== null)?.customerId;
  if (named) return customerIn(state, named);
  for (const { id, table } of reads) {
    const row = state.read(table, id);
    const customerId = row && customerOf(table, row);
    if (customerId !== undefined) return customerIn(state, customerId);
  }
  return undefined;
}

/** Whether a refusal with this status is stored for a repeated request. After any other the request runs again (contract §2). */
function isKept(status: number): boolean {
  return status === 400 || status === 404 || status === 409;
}
