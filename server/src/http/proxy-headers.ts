import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Logger } from '../platform/logger.ts';

/**
 * Warns once if a proxy that is not trusted forwards its client's address. Limits by address then count all clients of that
 * proxy as one.
 *
 * @param trustProxy the proxies whose `X-Forwarded-For` is trusted
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
        'a proxy header from an untrusted address is ignored; set --trust-proxy (OPENLEDGER_TRUST_PROXY) to the addresses of your proxies',
      );
    }
    done();
  });
}

/** Only `X-Forwarded-For` of a trusted proxy is used: then `ips` has the client's address behind the proxy's. */
function ignoredHeader({ headers, ips }: FastifyRequest, hasProxies: boolean): string | undefined {
  if (headers['x-forwarded-for'] !== undefined) return ips && ips.length > 1 ? undefined : 'x-forwarded-for';
  return hasProxies ? undefined : ['forwarded', 'x-real-ip'].find((name) => headers[name] !== undefined);
}
