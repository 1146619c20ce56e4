import type { FastifyInstance } from 'fastify';
import type { Metrics } from '../platform/metrics.ts';
import type { SandboxValue } from './docs/sandbox-values.ts';
import { renderDocs } from './docs.ts';
import type { DescribedEvent } from './event.ts';
import { buildEventSchema } from './event-schemas.ts';
import { buildOpenApi } from './openapi.ts';
import type { Route } from './route.ts';

/**
 * Adds what is not part of the API itself: the documents, the page made of them, and the probes and metrics for whoever
 * runs the server.
 *
 * @param isReady rejects or gives false when the store cannot be reached
 */
export function addSystemRoutes(
  app: FastifyInstance,
  options: {
    routes: readonly Route[];
    events: readonly DescribedEvent[];
    metrics: Metrics;
    publicUrl: () => string;
    isReady: () => Promise<boolean>;
    sandboxValues: readonly SandboxValue[];
  },
): void {
  const document = once(() => buildOpenApi(options.routes, options.publicUrl(), options.events));
  const json = once(() => JSON.stringify(document()));
  const eventSchema = once(() => JSON.stringify(buildEventSchema(options.events)));
  const page = once(() => renderDocs(document(), options.publicUrl(), options.sandboxValues));

  app.get('/openapi.json', async (_request, reply) =>
    reply.type('application/json; charset=utf-8').send(json()),
  );
  app.get('/events.schema.json', async (_request, reply) =>
    reply.type('application/schema+json; charset=utf-8').send(eventSchema()),
  );
  app.get('/docs', async (_request, reply) =>
    reply
      .header('content-security-policy', page().contentSecurityPolicy)
      .type('text/html; charset=utf-8')
      .send(page().html),
  );
  app.get('/', async (_request, reply) => reply.redirect('/docs'));
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
}

function once<Value>(make: () => Value): () => Value {
  let made: { value: Value } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
