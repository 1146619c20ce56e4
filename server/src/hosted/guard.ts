import type { FastifyRequest } from 'fastify';
import { type LinkPurpose, type ReadLink, readLinkToken } from '../identity/links.ts';
import type { Vault } from '../platform/seal.ts';
import type { PostedForm } from './form-body.ts';
import { PageError } from './page-error.ts';

/**
 * Reads the link of a request, by its signature alone: nobody without one gets as far as the database. Whether it was
 * revoked since is for the caller to see.
 *
 * @throws PageError when we did not make it for this purpose, or it has expired
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

/** The hidden field that proves that a form is one of ours, made for this link. */
export function formToken(linkToken: string, vault: Vault): string {
  return vault.sign(linkToken, formContext);
}

/**
 * Checks that a form comes from its own page: the field that only that page has.
 *
 * @throws PageError when it does not
 */
export function requireFormToken(form: PostedForm, linkToken: string, vault: Vault): void {
  if (!vault.isSigned(form.text('form'), linkToken, formContext)) throw new PageError('form_expired');
}

/**
 * Checks what the browser says of where a form was sent from (Fetch Metadata; where that is missing, RFC 6454). Under
 * our own referrer policy browsers send the origin `null`, which therefore says nothing.
 *
 * @throws PageError when another site sent it
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
