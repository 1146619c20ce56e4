import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { clientOf } from '../http/connections.ts';
import { createRateLimiter } from '../http/rate-limit.ts';
import type { LinkPurpose } from '../identity/links.ts';
import { ApiError } from '../platform/errors.ts';
import { html } from '../platform/html.ts';
import { limits } from '../platform/limits.ts';
import { readUrlEncoded } from './form-body.ts';
import { requireOwnSite } from './guard.ts';
import { addKycRoutes } from './kyc-routes.ts';
import { contentSecurityPolicy, renderPage } from './layout.ts';
import { PageError, pageErrors } from './page-error.ts';
import { addTermsRoutes } from './terms-routes.ts';
import { type HostedDeps, isMultipart, openVisit, sendPage } from './visit.ts';
import '../http/request-state.ts';

/**
 * Adds the hosted pages for customers: identity form and terms. They have their own form parsers and error pages, in a scope
 * of their own.
 */
export function addHostedPages(app: FastifyInstance, deps: HostedDeps): void {
  app.register(
    async (scope) => {
      addGuards(scope, deps);
      addFormParsers(scope);
      scope.setErrorHandler((error, request, reply) => answerError(error, request, reply, deps));
      scope.setNotFoundHandler(() => {
        throw new PageError('page_not_found');
      });
      addKycRoutes(scope, deps);
      addTermsRoutes(scope, deps);
    },
    { prefix: '/hosted' },
  );
}

const headers = {
  'content-security-policy': contentSecurityPolicy,
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'x-robots-tag': 'noindex',
  'cache-control': 'no-store',
};

/**
 * Checks a request before its body is read: the rate limit of its address, the site that sent a form, the link, and its
 * customer.
 */
function addGuards(scope: FastifyInstance, deps: HostedDeps): void {
  scope.decorateRequest('visit', null as never);
  const limiter = deps.rateLimit ? createRateLimiter(deps.clock, limits.hostedPerSecond) : undefined;
  scope.addHook('onRequest', async (request, reply) => {
    reply.headers(headers);
    const allowance = limiter?.take(clientOf(request));
    if (allowance && !allowance.allowed)
      throw new PageError('too_many_requests', allowance.retryAfterSeconds);
    if (request.is404) throw new PageError('page_not_found');
    if (request.method !== 'GET') requireOwnSite(request, deps.publicUrl());
    const purpose = purposeOf(request);
    if (purpose) request.visit = await openVisit(purpose, request, deps);
  });
}

/** The purpose of the link of a page. */
function purposeOf(request: FastifyRequest): LinkPurpose | undefined {
  const url = request.routeOptions.url ?? '';
  return (['kyc', 'terms'] as const).find((purpose) => url.startsWith(`/hosted/${purpose}/`));
}

function addFormParsers(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: limits.formBytes },
    async (_request: FastifyRequest, body: string) => readUrlEncoded(body),
  );
  // Only documents are uploaded; their route reads them as they arrive.
  scope.addContentTypeParser('multipart/form-data', async (request: FastifyRequest) => {
    const { step } = request.params as { step?: string };
    if (purposeOf(request) !== 'kyc' || step !== 'documents') throw new PageError('unsupported');
  });
  // A form without a body is an empty form.
  scope.addHook('preHandler', async (request) => {
    if (request.method === 'POST' && request.body === undefined && !isMultipart(request))
      request.body = readUrlEncoded('');
  });
}

function answerError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  deps: HostedDeps,
): FastifyReply {
  const { page, retryAfterSeconds } = toPageError(error);
  const { requestId } = request.state;
  if (page === 'failed') deps.logger.error({ err: error, requestId }, 'a page failed');
  const { status, text, title } = pageErrors[page];
  const whom = deps.supportContact ?? 'the company that sent it to you';
  const body = html`<h1>${title}</h1><p>${text.replace('{whom}', () => whom)}</p>${
    page === 'failed' ? html`<p class="small">${requestId}</p>` : undefined
  }`;
  if (retryAfterSeconds !== undefined) reply.header('retry-after', retryAfterSeconds);
  // The rest of an unread body must not be parsed as the next request.
  if (page === 'too_large' || page === 'too_slow') reply.header('connection', 'close');
  return sendPage(reply.headers(headers), renderPage({ title, body }), status);
}

function toPageError(error: unknown): PageError {
  if (error instanceof PageError) return error;
  if (error instanceof ApiError && error.refusal.code === 'RATE_LIMITED')
    return new PageError('busy', error.refusal.retryAfterSeconds);
  switch ((error as { code?: unknown }).code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new PageError('too_large');
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new PageError('unsupported');
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return new PageError('bad_form');
    default:
      return new PageError('failed');
  }
}
