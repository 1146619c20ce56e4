import type { FastifyInstance } from 'fastify';
import type { Clock } from '../platform/clock.ts';
import { limits } from '../platform/limits.ts';
import { requireAllowance } from './access-control.ts';
import type { SandboxValue } from './docs/sandbox-values.ts';
import { renderDocs } from './docs.ts';
import type { DescribedEvent } from './event.ts';
import { buildOpenApi } from './openapi/document.ts';
import { buildEventSchema } from './openapi/event-schemas.ts';
import { createRateLimiter } from './rate-limit.ts';
import type { Route } from './route.ts';
import { staticDocument } from './static-document.ts';

/**
 * Adds the documents and the documentation page. They need no key, so that they have their own rate limit by client
 * address.
 */
export function addDocuments(
  app: FastifyInstance,
  options: {
    readonly routes: readonly Route[];
    readonly events: readonly DescribedEvent[];
    readonly sandboxValues: readonly SandboxValue[];
    readonly clock: Clock;
    /** Undefined switches the limit off. */
    readonly rateLimit: object | undefined;
    publicUrl(): string;
  },
): void {
  const { clock, events, publicUrl, rateLimit, routes, sandboxValues } = options;
  const limiter = rateLimit ? createRateLimiter(clock, limits.documentsPerSecond) : undefined;
  const json = 'application/json; charset=utf-8';
  const handlers = {
    '/openapi.json': staticDocument(() => ({
      text: JSON.stringify(buildOpenApi(routes, publicUrl(), events)),
      type: json,
    })),
    '/events.schema.json': staticDocument(() => ({
      text: JSON.stringify(buildEventSchema(events)),
      type: 'application/schema+json; charset=utf-8',
    })),
    '/docs': staticDocument(() => {
      const document = buildOpenApi(routes, publicUrl(), events);
      const { contentSecurityPolicy, html } = renderDocs(document, publicUrl(), sandboxValues);
      return {
        text: html,
        type: 'text/html; charset=utf-8',
        headers: { 'content-security-policy': contentSecurityPolicy },
      };
    }),
  };
  app.register(async (scope) => {
    scope.addHook('onRequest', (request, reply, done) => {
      if (limiter) requireAllowance(limiter.take(request.ip), reply);
      done();
    });
    for (const [path, handler] of Object.entries(handlers)) scope.get(path, handler);
    scope.get('/', async (_request, reply) => reply.redirect('/docs'));
  });
}
