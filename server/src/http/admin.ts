import { type FastifyInstance, fastify } from 'fastify';
import { limits } from '../platform/limits.ts';
import type { Metrics } from '../platform/metrics.ts';

/**
 * Creates the listener for probes and metrics. It is separate from the API's, so that the public cannot reach it and a busy
 * API does not refuse its connections.
 *
 * @param isReady rejects or resolves to false if the database cannot be reached
 */
export function createAdminServer(options: {
  readonly metrics: Metrics;
  isReady(): Promise<boolean>;
}): FastifyInstance {
  const app = fastify({
    logger: false,
    exposeHeadRoutes: false,
    requestTimeout: limits.requestTimeoutMs,
    forceCloseConnections: true,
  });
  app.get('/livez', async (_request, reply) => reply.type('text/plain').send('ok\n'));
  app.get('/readyz', async (_request, reply) => {
    const ready = await options.isReady().catch(() => false);
    return reply
      .code(ready ? 200 : 503)
      .type('text/plain')
      .send(ready ? 'ok\n' : 'the database cannot be reached\n');
  });
  app.get('/metrics', async (_request, reply) => {
    const { registry } = options.metrics;
    return reply.type(registry.contentType).send(await registry.metrics());
  });
  return app;
}
