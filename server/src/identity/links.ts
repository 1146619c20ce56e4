import { limits } from '../platform/limits.ts';
import type { Vault } from '../platform/seal.ts';
import type { CustomerRow } from '../store/rows.ts';

/** Links to the hosted pages: whoever has one may act for the customer, until it expires. */

export type LinkPurpose = 'kyc' | 'terms';

/** What making a link depends on, beside the customer. */
export interface LinkContext {
  readonly vault: Vault;
  /** The time in the customer's environment, in milliseconds since the Unix epoch. */
  readonly nowMs: number;
  /** The base URL that clients reach the servers by. */
  readonly publicUrl: string;
}

/** What a link says. */
export interface ReadLink {
  readonly customerId: string;
  readonly environmentId: string;
  readonly expiresAtMs: number;
}

type LinkOwner = Pick<CustomerRow, 'id' | 'environment_id' | 'created_at'>;

/** The URL of a customer's page. */
export function linkUrl(purpose: LinkPurpose, owner: LinkOwner, context: LinkContext): string {
  return `${context.publicUrl}/hosted/${purpose}/${linkToken(purpose, owner, context)}`;
}

/**
 * The last part of a link: `<expiry>.<customer>.<environment>.<code>`, the expiry in seconds to the base 36.
 *
 * Expiry moves on in whole periods, counted from when the customer was made. So the same customer has the same link
 * for a period, and every link lives for one period at least and two at most.
 */
export function linkToken(
  purpose: LinkPurpose,
  owner: LinkOwner,
  { nowMs, vault }: Pick<LinkContext, 'nowMs' | 'vault'>,
): string {
  const createdAtMs = Date.parse(owner.created_at);
  const periods = Math.max(0, Math.floor((nowMs - createdAtMs) / limits.linkPeriodMs)) + 2;
  const expiresAtMs = createdAtMs + periods * limits.linkPeriodMs;
  const said = `${Math.floor(expiresAtMs / 1000).toString(36)}.${owner.id}.${owner.environment_id}`;
  return `${said}.${vault.sign(said, linkContext(purpose))}`;
}

/**
 * Reads a link's last part back.
 *
 * @returns undefined when we did not make it for this purpose; whether it has expired is for the caller to see
 */
export function readLinkToken(purpose: LinkPurpose, token: string, vault: Vault): ReadLink | undefined {
  const match = /^(([0-9a-z]{1,10})\.(cus_[0-9a-z]{26})\.(env_[0-9a-z]{26}))\.([A-Za-z0-9_-]{43})$/.exec(
    token,
  );
  if (!match) return undefined;
  const [, said = '', expiry = '', customerId = '', environmentId = '', code = ''] = match;
  if (!vault.isSigned(code, said, linkContext(purpose))) return undefined;
  return { customerId, environmentId, expiresAtMs: Number.parseInt(expiry, 36) * 1000 };
}

function linkContext(purpose: LinkPurpose): string {
  return `hosted.${purpose}`;
}
