import type { FastifyInstance } from 'fastify';
import type { SandboxValue } from './docs/sandbox-values.ts';
import { renderDocs } from './docs.ts';
import type { DescribedEvent } from './event.ts';
import { buildEventSchema } from './event-schemas.ts';
import { buildOpenApi } from './openapi.ts';
import type { Route } from './route.ts';

/**
 * Adds what is not part of the API itself: the documents, and the page made of them.
 */
export function addSystemRoutes(
  app: FastifyInstance,
  options: {
    routes: readonly Route[];
    events: readonly DescribedEvent[];
    publicUrl: () => string;
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
}

function once<Value>(make: () => Value): () => Value {
  let made: { value: Value } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
