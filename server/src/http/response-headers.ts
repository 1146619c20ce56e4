import type { FastifyReply } from 'fastify';

/** The headers of every API response: never cached, and no content type sniffing. */
export const apiHeaders = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' } as const;

/** One year, without `includeSubDomains` (RFC 6797 §6.1). */
const strictTransport = 'max-age=31536000';

/**
 * Sets the headers of every response. Pages may replace them.
 *
 * @param publicUrl with https, browsers are told to use https only
 */
export function setCommonHeaders(reply: FastifyReply, publicUrl: string): void {
  reply.headers(apiHeaders);
  if (publicUrl.startsWith('https:')) reply.header('strict-transport-security', strictTransport);
}
