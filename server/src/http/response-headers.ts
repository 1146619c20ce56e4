import type { FastifyReply } from 'fastify';

/** What every answer of the API says: it is for one client and one moment only, and is what it says it is. */
export const apiHeaders = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' } as const;

/** A year, without a word on other hosts of the domain (RFC 6797 §6.1). */
const strictTransport = 'max-age=31536000';

/**
 * Sets the headers that every answer has; those of a page of its own may set others over them.
 *
 * @param publicUrl where it is https, browsers are told to come by https only
 */
export function setCommonHeaders(reply: FastifyReply, publicUrl: string): void {
  reply.headers(apiHeaders);
  if (publicUrl.startsWith('https:')) reply.header('strict-transport-security', strictTransport);
}
