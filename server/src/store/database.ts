import { Kysely, PostgresDialect } from 'kysely';
import type { Pool } from './pool.ts';
import { preparingPool } from './prepared.ts';
import type { RowGuard } from './row-guard.ts';
import type {
  AccountRow,
  ApiKeyRow,
  ChainDepositRow,
  CounterpartyRow,
  CustomerRow,
  DeliveryQueueRow,
  DeliveryRow,
  DepositAddressRow,
  EnvironmentRow,
  EventRow,
  FanOutPositionRow,
  JournalRow,
  OrganisationRow,
  PostingRow,
  TransactionRow,
  VirtualAccountRow,
  WalletRow,
  WebhookReplayRow,
  WebhookRow,
} from './rows.ts';

/** The tables as Kysely sees them, for queries that are put together at run time (lists and their filters). */
export interface Database {
  accounts: AccountRow;
  api_keys: ApiKeyRow;
  chain_deposits: ChainDepositRow;
  counterparties: CounterpartyRow;
  customers: CustomerRow;
  deliveries: DeliveryRow;
  delivery_queue: DeliveryQueueRow;
  deposit_addresses: DepositAddressRow;
  environments: EnvironmentRow;
  events: EventRow;
  fan_out_positions: FanOutPositionRow;
  journals: JournalRow;
  organisations: OrganisationRow;
  postings: PostingRow;
  transactions: TransactionRow;
  virtual_accounts: VirtualAccountRow;
  wallets: WalletRow;
  webhook_replays: WebhookReplayRow;
  webhooks: WebhookRow;
}

export type Db = Kysely<Database> & {
  /** The pool's: checks the rows that queries give. */
  readonly guard: RowGuard;
};

/** Wraps a pool for typed queries. */
export function createDb(pool: Pool): Db {
  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool: preparingPool(pool) }) });
  return Object.defineProperty(db, 'guard', { get: () => pool.guard }) as Db;
}
