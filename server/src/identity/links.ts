import { limits } from '../platform/limits.ts';
import type { Vault } from '../platform/seal.ts';
import type { CustomerRow } from '../store/tables/customers.ts';

/** Links to the hosted pages. Whoever has one may act for the customer until it expires. */

export type LinkPurpose = 'kyc' | 'terms';

/** What a link depends on, beside the customer. */
export interface LinkContext {
  readonly vault: Vault;
  /** The time in the customer's environment, in milliseconds since the Unix epoch. */
  readonly nowMs: number;
  /** The base URL that clients reach the servers by. */
  readonly publicUrl: string;
}

/** The contents of a link. */
export interface ReadLink {
  readonly customerId: string;
  readonly environmentId: string;
  readonly expiresAtMs: number;
  /** The customer's link generation when it was made. Revoking links raises the generation and so invalidates it. */
  readonly generation: number;
}

type LinkOwner = Pick<CustomerRow, 'id' | 'environment_id' | 'created_at' | 'link_generation'>;

/** The URL of a customer's page. */
export function linkUrl(purpose: LinkPurpose, owner: LinkOwner, context: LinkContext): string {
  return `${context.publicUrl}/hosted/${purpose}/${linkToken(purpose, owner, context)}`;
}

/**
 * The last part of a link: `<expiry>.<customer>.<environment>.<generation>.<code>`, the expiry in seconds and the
 * generation to the base 36; without the generation while it is 0.
 *
 * The expiry advances in whole periods from the customer's creation. A customer's link therefore stays the same for a
 * period, unless links are revoked, and every link is valid for at least one period and at most two.
 */
export function linkToken(
  purpose: LinkPurpose,
  owner: LinkOwner,
  { nowMs, vault }: Pick<LinkContext, 'nowMs' | 'vault'>,
): string {
  const createdAtMs = Date.parse(owner.created_at);
  const periods = Math.max(0, Math.floor((nowMs - createdAtMs) / limits.linkPeriodMs)) + 2;
  return linkTokenUntil(purpose, owner, createdAtMs + periods * limits.linkPeriodMs, vault);
}

/** Makes the token of a link that expires at a time (milliseconds since the Unix epoch). */
export function linkTokenUntil(
  purpose: LinkPurpose,
  { environment_id, id, link_generation: generation }: LinkOwner,
  expiresAtMs: number,
  vault: Vault,
): string {
  const said = [Math.floor(expiresAtMs / 1000).toString(36), id, environment_id];
  if (generation > 0) said.push(generation.toString(36));
  const text = said.join('.');
  return `${text}.${vault.sign(text, linkContext(purpose))}`;
}

/**
 * Parses and verifies the token of a link.
 *
 * @returns undefined if it was not made for this purpose. The caller checks expiry and revocation
 */
export function readLinkToken(purpose: LinkPurpose, token: string, vault: Vault): ReadLink | undefined {
  const match =
    /^(([0-9a-z]{1,10})\.(cus_[0-9a-z]{26})\.(env_[0-9a-z]{26})(?:\.([1-9a-z][0-9a-z]{0,5}))?)\.([A-Za-z0-9_-]{43})$/.exec(
      token,
    );
  if (!match) return undefined;
  const [, said = '', expiry = '', customerId = '', environmentId = '', generation = '0', code = ''] = match;
  if (!vault.isSigned(code, said, linkContext(purpose))) return undefined;
  return {
    customerId,
    environmentId,
    expiresAtMs: Number.parseInt(expiry, 36) * 1000,
    generation: Number.parseInt(generation, 36),
  };
}

function linkContext(purpose: LinkPurpose): string {
  return `hosted.${purpose}`;
}
