export type { ApiKeyRow, EnvironmentRow, OrganisationRow } from './tables/access.ts';
export type { ChainDepositRow } from './tables/chains.ts';
export type {
  CounterpartyRow,
  CustomerRow,
  IdentityCaseRow,
  IdentityDocumentRow,
  TermsAcceptanceRow,
} from './tables/customers.ts';
export type { EventRow } from './tables/events.ts';
export type { IdempotencyKeyRow, JournalHeadRow as ChainHeadRow, LaneHeadRow } from './tables/lanes.ts';
export type { AccountKind, AccountRow, JournalRow, PostingRow } from './tables/ledger.ts';
export type { ScreeningRow, TransactionRow, TransactionStatus } from './tables/transactions.ts';
export type { DepositAddressRow, VirtualAccountRow, WalletRow } from './tables/wallets.ts';
export type { DeliveryQueueRow, DeliveryRow, WebhookReplayRow, WebhookRow } from './tables/webhooks.ts';
