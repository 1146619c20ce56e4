import type { FastifyInstance } from 'fastify';
import type { Clock } from '../platform/clock.ts';
import { limits } from '../platform/limits.ts';
import { requireAllowance } from './access-control.ts';
import { clientOf } from './connections.ts';
import { type DocsFiles, docsPages, type PageMaker } from './docs/pages.ts';
import type { DescribedEvent } from './event.ts';
import { buildOpenApi } from './openapi/document.ts';
import { buildEventSchema } from './openapi/event-schemas.ts';
import { overview } from './openapi/frame.ts';
import { createRateLimiter } from './rate-limit.ts';
import type { Route } from './route.ts';
import { staticDocument } from './static-document.ts';

/**
 * Adds what is not part of the API itself: the machine-readable documents and the documentation. They need no key, so they
 * have a separate rate limit for each client address.
 */
export function addDocuments(
  app: FastifyInstance,
  options: {
    readonly routes: readonly Route[];
    readonly events: readonly DescribedEvent[];
    readonly docsFiles: DocsFiles;
    readonly clock: Clock;
    /** Undefined switches the limit off. */
    readonly rateLimit: object | undefined;
    publicUrl(): string;
  },
): void {
  const { clock, docsFiles, events, publicUrl, rateLimit, routes } = options;
  const limiter = rateLimit ? createRateLimiter(clock, limits.documentsPerSecond) : undefined;
  const documents: Readonly<Record<string, PageMaker>> = {
    '/openapi.json': () => ({
      content: JSON.stringify(buildOpenApi(routes, publicUrl(), events)),
      type: 'application/json; charset=utf-8',
    }),
    '/events.schema.json': () => ({
      content: JSON.stringify(buildEventSchema(events)),
      type: 'application/schema+json; charset=utf-8',
    }),
    ...docsPages(docsFiles, overview, publicUrl),
  };
  app.register(async (scope) => {
    scope.addHook('onRequest', (request, reply, done) => {
      if (limiter) requireAllowance(limiter.take(clientOf(request)), reply);
      done();
    });
    for (const [path, make] of Object.entries(documents)) scope.get(path, staticDocument(make));
    scope.get('/', async (_request, reply) => reply.redirect('/docs'));
  });
}
