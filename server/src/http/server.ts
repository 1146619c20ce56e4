import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import { compile as compileProxies } from '@fastify/proxy-addr';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import type { Clock } from '../platform/clock.ts';
import { ApiError, errorStatus, invalidRequest, notFound, type Refusal } from '../platform/errors.ts';
import type { IdSource } from '../platform/ids.ts';
import { limits } from '../platform/limits.ts';
import type { Logger } from '../platform/logger.ts';
import type { Metrics } from '../platform/metrics.ts';
import type { ConnectionsSetting, RateLimitSetting } from '../platform/setting-parsers.ts';
import type { Writer } from '../writer/writer.ts';
import { type AccessControl, createAccessControl } from './access-control.ts';
import { type Authenticator, type Caller, presentedKey } from './auth.ts';
import { answerBrokenRequest } from './broken-request.ts';
import { limitConnections } from './connections.ts';
import { answeringOf, createHandler, sendOutcome, sendRefusal } from './dispatch.ts';
import type { EnvironmentBudgets } from './environment-budgets.ts';
import { toRefusal } from './errors.ts';
import { idempotencyKey, refusalRecord } from './idempotency.ts';
import { addLingeringClose } from './lingering-close.ts';
import { warnOfProxyHeaders } from './proxy-headers.ts';
import { addBodyParser, expectBody } from './request-body.ts';
import { setCommonHeaders } from './response-headers.ts';
import { bodyBytesOf, type Route } from './route.ts';
import { eventStreamHeaders, type StreamRoute, textsOf } from './stream.ts';
import './request-state.ts';

export interface HttpOptions {
  readonly routes: readonly Route[];
  readonly streams: readonly StreamRoute[];
  readonly writer: Writer;
  readonly authenticator: Authenticator;
  readonly budgets: EnvironmentBudgets;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly rateLimit: RateLimitSetting | undefined;
  /** Proxies whose `X-Forwarded-For` is trusted. */
  readonly trustProxy: string[] | undefined;
  /** How many connections there may be. */
  readonly connections: ConnectionsSetting;
  /** The base URL that clients reach this server by; known once it listens. */
  publicUrl(): string;
}

/** Creates the HTTP server for the routes, with everything of contract §1 to §3. */
export function createHttpServer(options: HttpOptions): FastifyInstance {
  const app = fastify({
    logger: false,
    trustProxy: options.trustProxy ?? false,
    exposeHeadRoutes: false,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    routerOptions: { maxParamLength: 256 },
    // A hook refuses a request without a host, in the envelope.
    http: {
      maxHeaderSize: limits.headersBytes,
      requireHostHeader: false,
      headersTimeout: limits.headersTimeoutMs,
      connectionsCheckingInterval: limits.requestCheckMs,
    },
    clientErrorHandler: (error, socket) => answerBrokenRequest(error, socket, options.ids.next('req')),
    frameworkErrors: (error, request, reply) => answerError(error, request, reply, options),
  });
  const access = createAccessControl(
    options.clock,
    options.rateLimit,
    options.authenticator,
    options.budgets,
  );
  app.server.on('checkExpectation', (_request, response) => {
    answerBrokenRequest({ code: 'EXPECTATION' }, response.socket, options.ids.next('req'));
  });
  limitConnections(app.server, options.connections, trustedProxies(options), (limit) =>
    options.metrics.connectionsRefused.inc({ limit }),
  );
  closeConnectionsAtEnd(app);
  warnOfProxyHeaders(app, options.trustProxy, options.logger);
  addRequestState(app, options);
  addLingeringClose(app);
  addBodyParser(app);
  addRoutes(app, access, options);
  addStreams(app, access, options);
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply, options));
  addNotFound(app, access);
  return app;
}

/** Refuses unknown routes before their body is read. In a scope of its own, because hosted pages have their own response. */
function addNotFound(app: FastifyInstance, access: AccessControl): void {
  const refuse = async (): Promise<never> => {
    throw new ApiError(notFound('route'));
  };
  app.register(async (scope) => {
    scope.addHook('onRequest', async (request, reply) => {
      access.rateLimitAnonymous(request, reply);
      await refuse();
    });
    scope.setNotFoundHandler(refuse);
  });
}

/** Whether an address is that of a trusted proxy. */
function trustedProxies({ trustProxy }: HttpOptions): (address: string) => boolean {
  if (trustProxy === undefined) return () => false;
  const isTrusted = compileProxies(trustProxy);
  return (address) => address !== '' && isTrusted(address, 0);
}

/**
 * Once the server closes, every response closes its connection, and connections on which nothing was ever sent are
 * closed. Node counts neither as idle (`closeIdleConnections`) and would wait for them.
 */
function closeConnectionsAtEnd(app: FastifyInstance): void {
  const sockets = new Set<Socket>();
  let closing = false;
  app.server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  app.addHook('preClose', async () => {
    closing = true;
    for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
  });
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (closing) reply.header('connection', 'close');
    done(null, payload);
  });
}

/** The documentation URL of errors. */
function docsUrl(options: HttpOptions): string {
  return `${options.publicUrl()}/docs`;
}

const requestIdPattern = /^[A-Za-z0-9._:-]+$/;

function addRequestState(app: FastifyInstance, options: HttpOptions): void {
  const { metrics } = options;
  app.decorateRequest('state', null as never);
  app.addHook('onRequest', (request, reply, done) => {
    setState(request, reply, options);
    const fault = hostFault(request.raw);
    done(fault === undefined ? undefined : new ApiError(invalidRequest('malformed_request', fault)));
  });
  app.addHook('onResponse', (request, reply, done) => {
    request.state.budget?.leave();
    const { method, routeOptions } = request;
    metrics.requests.inc({ method, route: routeOptions.url ?? 'none', status: reply.statusCode });
    metrics.requestSeconds.observe({ method }, (performance.now() - request.state.startedMs) / 1000);
    done();
  });
}

/** Checks the `Host` header, of which Node keeps only the first (RFC 9112 §3.2). @returns the fault, if any */
function hostFault({ httpVersion, rawHeaders }: IncomingMessage): string | undefined {
  let count = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    if (name.length === 4 && name.toLowerCase() === 'host') count += 1;
  }
  if (count === 0 && httpVersion === '1.1') return 'The request must have a Host header.';
  return count > 1 ? 'The request must have one Host header.' : undefined;
}

function setState(request: FastifyRequest, reply: FastifyReply, { ids, publicUrl }: HttpOptions): void {
  const given = request.headers['x-request-id'];
  const kept =
    typeof given === 'string' && given.length <= limits.requestIdLength && requestIdPattern.test(given);
  request.state = {
    requestId: kept ? given : ids.next('req'),
    startedMs: performance.now(),
    caller: undefined,
    idempotencyKey: undefined,
    bodyHash: undefined,
    bodyLimitBytes: 0,
    budget: undefined,
  };
  reply.header('x-request-id', request.state.requestId);
  setCommonHeaders(reply, publicUrl());
}

function addRoutes(app: FastifyInstance, access: AccessControl, options: HttpOptions): void {
  for (const route of options.routes) {
    const bodyBytes = route.method === 'GET' ? 0 : bodyBytesOf(route);
    app.route({
      method: route.method,
      url: route.path.replaceAll(/\{(\w+)\}/g, ':$1'),
      onRequest: (request, reply, done) => {
        const proceed = (caller: Caller | undefined): void => {
          request.state.caller = caller;
          if (route.method === 'POST') request.state.idempotencyKey = idempotencyKey(request.headers);
          if (route.method !== 'GET') expectBody(request);
        };
        request.state.bodyLimitBytes = bodyBytes;
        callBack(done, () => {
          if (route.access !== 'public') {
            const caller = access.authenticate(request, reply);
            if (caller instanceof Promise) return caller.then(proceed);
            return proceed(caller);
          }
          access.rateLimitAnonymous(request, reply);
          return proceed(undefined);
        });
      },
      handler: createHandler(route, options.writer, () => docsUrl(options)),
    });
  }
}

/** Runs the work of a hook and calls `done` when it ends: synchronously if the work is synchronous. */
function callBack(done: (error?: Error) => void, work: () => void | Promise<void>): void {
  let running: void | Promise<void>;
  try {
    running = work();
  } catch (error) {
    done(error as Error);
    return;
  }
  if (running) running.then(() => done(), done);
  else done();
}

function addStreams(
  app: FastifyInstance,
  access: AccessControl,
  { authenticator, streams }: HttpOptions,
): void {
  for (const { open, path } of streams) {
    app.get(path, {
      onRequest: async (request, reply) => {
        request.state.caller = await access.authenticate(request, reply);
      },
      handler: async (request, reply) => {
        await open({
          caller: request.state.caller as Caller,
          query: textsOf(request.query),
          lastEventId: request.headers['last-event-id']?.toString(),
          readmit: () => authenticator.recheck(presentedKey(request.headers)),
          start() {
            request.state.budget?.releaseSlot();
            reply.hijack();
            reply.raw.writeHead(200, {
              ...(reply.getHeaders() as OutgoingHttpHeaders),
              ...eventStreamHeaders,
            });
            return reply.raw;
          },
        });
        return reply;
      },
    });
  }
}

async function answerError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  options: HttpOptions,
): Promise<FastifyReply> {
  // A request that the router could not parse has run no hook.
  if (!request.state) setState(request, reply, options);
  const { requestId } = request.state;
  const refusal = toRefusal(error);
  if (refusal.code === 'INTERNAL_ERROR') options.logger.error({ err: error, requestId }, 'request failed');
  try {
    return await answerRefusal(refusal, request, reply, options);
  } catch (cause) {
    options.logger.error({ err: cause, requestId }, 'a refusal could not be stored');
    return sendRefusal(toRefusal(cause), request, reply, docsUrl(options));
  }
}

/** Sends a refusal. One with an idempotency key is stored for it first. */
async function answerRefusal(
  refusal: Refusal,
  request: FastifyRequest,
  reply: FastifyReply,
  options: HttpOptions,
): Promise<FastifyReply> {
  const { bodyHash, caller, idempotencyKey: key } = request.state;
  const status = errorStatus[refusal.code];
  const isKept =
    status === 400 || status === 404 || (status === 409 && refusal.reason !== 'request_in_progress');
  const answering = isKept ? answeringOf(request, docsUrl(options), true) : undefined;
  // A body that broke off is not the request that the client meant.
  if (!caller || key === undefined || !answering || bodyHash === undefined)
    return sendRefusal(refusal, request, reply, docsUrl(options));
  const { id, kind } = caller.environment;
  const outcome = await options.writer.submit(refusalRecord(id, key, refusal), answering, kind);
  return sendOutcome(outcome, request, reply, docsUrl(options));
}
