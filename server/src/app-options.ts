import type { MadeKeys } from './bootstrap.ts';
import type { Clock } from './platform/clock.ts';
import type { Keyring } from './platform/keyring.ts';
import type { Logger } from './platform/logger.ts';
import type { Ratio } from './platform/money.ts';
import type { ConnectionsSetting, RateLimitSetting } from './platform/setting-parsers.ts';
import type { RateSettings } from './rates/environments.ts';

/** The settings of a server, and what is called while it starts. */
export interface AppOptions extends RateSettings {
  /** Connects as the role that serves requests. */
  readonly databaseUrl: string;
  /** Connects to the same database as its owner; undefined if one role does both, or if nothing is migrated. */
  readonly migrationUrl: string | undefined;
  readonly masterKey: Uint8Array | Keyring;
  readonly logger: Logger;
  readonly host: string;
  readonly port: number;
  readonly adminHost: string;
  /** The port of probes and metrics; if undefined, the default one, or any free one if that is in use. */
  readonly adminPort: number | 'off' | undefined;
  readonly publicUrl: string | undefined;
  readonly rateLimit: RateLimitSetting | undefined;
  readonly connections: ConnectionsSetting;
  readonly lanes: number | undefined;
  readonly sandboxStepMs: number;
  readonly onChainFee: Ratio;
  readonly fiatFee: Ratio;
  readonly ratesRefreshMs: number;
  readonly idempotencyHours: number;
  /** How long data of live customers is kept after their last transaction. */
  readonly retentionYears: number;
  /** Proxies whose `X-Forwarded-For` is trusted. */
  readonly trustProxy: string[] | undefined;
  /** The terms of service that customers accept; the ones in `server/data/terms` if undefined. */
  readonly termsFile: string | undefined;
  /** The contact that customers are shown for questions on their links; the company that sent them if undefined. */
  readonly supportContact?: string | undefined;
  /** The socket of a separate signer process; this process signs if undefined. */
  readonly signerSocket: string | undefined;
  /** The file that configures chains for live keys; none are configured if undefined. */
  readonly chainsFile: string | undefined;
  /** The file of screening rules for live transfers; every transfer passes if undefined. */
  readonly screeningFile: string | undefined;
  /** The ids of the live keys that may use the routes of the treasury. */
  readonly treasuryKeys: readonly string[];
  /** Allows sandbox webhooks plain http and loopback addresses. */
  readonly loopbackWebhooks: boolean;
  /** The contact in `/.well-known/security.txt`; the file is not served if undefined. */
  readonly securityContact: string | undefined;
  readonly clock?: Clock;
  /** Rows without authentication codes: `bless` adds the codes once, `refuse` fails the start. */
  readonly rowsFromBefore: 'bless' | 'refuse';
  /** Every row that gives rights has its code: from now on a row without one is not authentic. */
  onRowsAuthenticated?(): Promise<void>;
  /** Stores the keys of a new organisation, before anything else can fail. */
  onKeysMade?(keys: MadeKeys): Promise<void>;
  /** The server cannot continue, because another lane count was set: the process must end. */
  onFatal(error: Error): void;
}
