import { type FastifyInstance, fastify } from 'fastify';
import { limits } from '../platform/limits.ts';
import type { Metrics } from '../platform/metrics.ts';

/**
 * Makes the listener for whoever runs the server: probes and metrics. It is apart from the API's, so that neither tells
 * the public anything, and a busy API does not refuse it a connection.
 *
 * @param isReady rejects or gives false when the store cannot be reached
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
      .send(ready ? 'ok\n' : 'the store cannot be reached\n');
  });
  app.get('/metrics', async (_request, reply) => {
    const { registry } = options.metrics;
    return reply.type(registry.contentType).send(await registry.metrics());
  });
  return app;
}
