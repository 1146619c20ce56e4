import type { FastifyRequest } from 'fastify';
import { type LinkPurpose, type ReadLink, readLinkToken } from '../identity/links.ts';
import type { Vault } from '../platform/seal.ts';
import type { PostedForm } from './form-body.ts';
import { PageError } from './page-error.ts';

/**
 * Verifies the link of a request by its signature, without the database. The caller checks whether it was revoked.
 *
 * @throws PageError if it was not made for this purpose, or has expired
 */
export function requireLink(
  purpose: LinkPurpose,
  token: string,
  { nowIn, vault }: { readonly vault: Vault; readonly nowIn: (environmentId: string) => number },
): ReadLink {
  const link = readLinkToken(purpose, token, vault);
  if (!link) throw new PageError('link_invalid');
  if (link.expiresAtMs <= nowIn(link.environmentId)) throw new PageError('link_expired');
  return link;
}

const formContext = 'hosted.form';

/** The hidden field that proves that a server made the form for this link. */
export function formToken(linkToken: string, vault: Vault): string {
  return vault.sign(linkToken, formContext);
}

/**
 * Checks the hidden field that only the form's own page has.
 *
 * @throws PageError if it is missing or wrong
 */
export function requireFormToken(form: PostedForm, linkToken: string, vault: Vault): void {
  if (!vault.isSigned(form.text('form'), linkToken, formContext)) throw new PageError('form_expired');
}

/**
 * Checks the site that a form was sent from, by Fetch Metadata or else by its origin (RFC 6454). With the referrer policy of
 * the pages browsers send the origin `null`, which is accepted.
 *
 * @throws PageError if another site sent it
 */
export function requireOwnSite({ headers }: Pick<FastifyRequest, 'headers'>, publicUrl: string): void {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) {
    if (site === 'same-origin' || site === 'none') return;
    throw new PageError('form_expired');
  }
  const { host, origin } = headers;
  if (origin === undefined || origin === 'null') return;
  const hosts = [host, URL.canParse(publicUrl) ? new URL(publicUrl).host : undefined];
  if (!URL.canParse(origin) || !hosts.includes(new URL(origin).host)) throw new PageError('form_expired');
}
