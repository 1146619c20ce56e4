import type { EventType, UpdateEventType } from '../events/types.ts';
import type { AccountRef, Stripe } from '../ledger/accounts.ts';
import type { JournalDraft } from '../ledger/journal.ts';
import type { Refusal } from '../platform/errors.ts';
import type { IdPrefix } from '../platform/ids.ts';
import type { Vault } from '../platform/seal.ts';
import type { KeyedTableName, RowOf, TableName } from '../store/tables.ts';

/** A row that a command reads. Before `decide` is called, it is loaded or known not to exist. */
export interface RowRef {
  readonly table: KeyedTableName;
  readonly bucket: number;
  readonly id: string;
}

/** Whose holdings a command reads. */
export interface HoldingsRef {
  readonly environmentId: string;
  readonly bucket: number;
  readonly customerId: string;
  /** Only transactions with a greater id count: those that the command's maker cannot have seen. */
  readonly sinceId: string;
}

/** What belongs to a customer, whatever its ids are. */
export interface Holdings {
  readonly walletIds: readonly string[];
  /** How many transactions after `sinceId` have not ended. */
  readonly openTransactions: number;
  /** The latest `updated_at` of the transactions after `sinceId`; null if there are none. */
  readonly lastTransactionAt: string | null;
}

/** The rows that a command declared, with the effects of all commands before it. */
export interface State {
  /** @throws Error when the command did not declare this row in its `reads` */
  get<Name extends KeyedTableName>(table: Name, id: string): RowOf<Name> | undefined;
  /** @throws Error when the command did not declare that it reads `holdings` */
  holdings(): Holdings;
}

/** Everything else that a decision may depend on. It performs no I/O. */
export interface DecideContext extends Stripe {
  readonly nowMs: number;
  /** The same as ISO 8601. */
  readonly now: string;
  /** The bucket of the rows that the command creates. */
  readonly bucket: number;
  readonly vault: Vault;
  /** The base URL that clients reach the servers by. */
  readonly publicUrl: string;
  newId(prefix: IdPrefix, bucket?: number): string;
}

/** A row to add, or the new version of a row that was read. */
export type RowWrite = {
  [Name in TableName]: { readonly table: Name; readonly row: RowOf<Name> };
}[TableName];

/** An event, written in the same transaction as the change it describes. */
export type EventDraft = DraftedEvent &
  (
    | { readonly type: UpdateEventType; readonly previousAttributes: string }
    | { readonly type: Exclude<EventType, UpdateEventType>; readonly previousAttributes?: string }
  );

interface DraftedEvent {
  /** From `newId('evt')` if the response has to contain it; otherwise the writer makes one. */
  readonly id?: string;
  /** The bucket of the object, if it is not the command's. */
  readonly bucket?: number;
  readonly objectId: string;
  readonly customerId: string | null;
  /** The JSON text of what the matching GET returns after the change. */
  readonly data: string;
  /** The JSON text of the former values of the changed fields; see `events/changes.ts`. */
  readonly previousAttributes?: string;
  /** Whether the event is sealed at rest, because `data` holds personal data or a secret. */
  readonly sensitive?: boolean;
}

/** The effects of an accepted command. Writes are applied first, then journals, then events. */
export interface Accepted<Result> {
  readonly result: Result;
  readonly writes?: readonly RowWrite[];
  readonly journals?: readonly JournalDraft[];
  readonly events?: readonly EventDraft[];
}

export type Decision<Result> = Accepted<Result> | { readonly refusal: Refusal };

/** A response as it is stored for its idempotency key, and repeated byte for byte. */
export interface StoredAnswer {
  readonly status: number;
  readonly body: string;
}

/** The idempotency key of a request, and what identifies the request. */
export interface IdempotencyClaim {
  readonly key: string;
  /** Method and route, e.g. `POST /v1/transfers`. */
  readonly route: string;
  /** SHA-256 of the request body. */
  readonly requestHash: Buffer;
}

/**
 * A change of state, to be run by the writer.
 *
 * `decide` is pure: the same state and context give the same decision. It may be called more than once before it
 * takes effect, and only the last call counts.
 */
export interface Command<Result> {
  readonly name: string;
  readonly environmentId: string;
  /** 0..63: the bucket of the customer it belongs to; decides the lane. */
  readonly bucket: number;
  /** The command destroys a customer's key: responses that are cached in memory are dropped. */
  readonly erases?: boolean;
  /**
   * Reads what belongs to a customer, and rows that follow from it. The command is decided before all others of its batch
   * that read no holdings.
   */
  readonly holdings?: { readonly of: HoldingsRef; reads(holdings: Holdings): readonly RowRef[] };
  /** The rows that `decide` reads and the accounts that it posts to. */
  reads(stripe: Stripe): readonly RowRef[];
  decide(state: State, context: DecideContext): Decision<Result>;
}

/** How the response to a command is made and stored, if the command has an idempotency key. */
export interface Answering<Result> {
  readonly claim: IdempotencyClaim;
  render(outcome: Accepted<Result> | { readonly refusal: Refusal }): StoredAnswer;
  /** Whether the stored body is sealed at rest. */
  readonly sensitive: boolean;
}

/** How a command ended. `answer` is present if the command had an idempotency key. */
export type Outcome<Result> =
  | { readonly kind: 'accepted'; readonly result: Result; readonly answer?: StoredAnswer }
  | { readonly kind: 'refused'; readonly refusal: Refusal; readonly answer?: StoredAnswer }
  | { readonly kind: 'replayed'; readonly answer: StoredAnswer };

/** The rows that posting to these accounts reads. */
export function accountReads(accounts: readonly AccountRef[]): RowRef[] {
  return accounts.map(({ bucket, id }) => ({ table: 'accounts', bucket, id }));
}
