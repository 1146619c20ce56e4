import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Logger } from '../platform/logger.ts';

/**
 * Warns once when a proxy tells where its client comes from and the server does not believe it: limits by address then
 * count all clients of that proxy as one.
 *
 * @param trustProxy the proxies whose `X-Forwarded-For` is believed
 */
export function warnOfProxyHeaders(
  app: FastifyInstance,
  trustProxy: readonly string[] | undefined,
  logger: Logger,
): void {
  let warned = false;
  app.addHook('onRequest', (request, _reply, done) => {
    const header = warned ? undefined : ignoredHeader(request, trustProxy !== undefined);
    if (header !== undefined) {
      warned = true;
      logger.warn(
        { header },
        'a header of a proxy came from an address that is not trusted, and is ignored; name the proxies with --trust-proxy (OPENLEDGER_TRUST_PROXY)',
      );
    }
    done();
  });
}

/** Of a trusted proxy only `X-Forwarded-For` is read: then `ips` has the client's address behind the proxy's. */
function ignoredHeader({ headers, ips }: FastifyRequest, hasProxies: boolean): string | undefined {
  if (headers['x-forwarded-for'] !== undefined) return ips && ips.length > 1 ? undefined : 'x-forwarded-for';
  return hasProxies ? undefined : ['forwarded', 'x-real-ip'].find((name) => headers[name] !== undefined);
}
