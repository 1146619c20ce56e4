import type { Socket } from 'node:net';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import type { Clock } from '../platform/clock.ts';
import type { RateLimitSetting } from '../platform/config.ts';
import { ApiError, errorStatus, invalidRequest, notFound, type Refusal } from '../platform/errors.ts';
import type { IdSource } from '../platform/ids.ts';
import { limits } from '../platform/limits.ts';
import type { Logger } from '../platform/logger.ts';
import type { Metrics } from '../platform/metrics.ts';
import type { Writer } from '../writer/writer.ts';
import type { Authenticator, Caller } from './auth.ts';
import { answerBrokenRequest } from './broken-request.ts';
import { answeringOf, createHandler, sendOutcome, sendRefusal } from './dispatch.ts';
import type { EnvironmentBudgets } from './environment-budgets.ts';
import { toRefusal } from './errors.ts';
import { createGate, type Gate } from './gate.ts';
import { hashBytes, hashJson, idempotencyKey, refusalRecord } from './idempotency.ts';
import { parseJsonBody } from './json-body.ts';
import { assertJsonHeaders, readBody } from './read-body.ts';
import type { Route } from './route.ts';
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
  /** Proxies whose `X-Forwarded-For` is believed. */
  readonly trustProxy: string[] | undefined;
  /** The base URL that clients reach this server by; known once it listens. */
  publicUrl(): string;
}

/** Makes the HTTP server around the routes: everything of contract §1 to §3. */
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
    // A request without a host is refused by our own hook, in the envelope.
    http: { maxHeaderSize: limits.headersBytes, requireHostHeader: false },
    clientErrorHandler: (error, socket) => answerBrokenRequest(error, socket, options.ids.next('req')),
    frameworkErrors: (error, request, reply) => answerError(error, request, reply, options),
  });
  const gate = createGate(options.clock, options.rateLimit, options.authenticator, options.budgets);
  app.server.on('checkExpectation', (_request, response) => {
    answerBrokenRequest({ code: 'EXPECTATION' }, response.socket, options.ids.next('req'));
  });
  closeConnectionsAtEnd(app);
  addRequestState(app, options);
  addBodyParser(app);
  addRoutes(app, gate, options);
  addStreams(app, gate, options);
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply, options));
  app.setNotFoundHandler((request, reply) => {
    gate.admitAnyone(request, reply);
    return sendRefusal(notFound('route'), request, reply, docsUrl(options));
  });
  return app;
}

/**
 * Once the server closes, every answer ends its connection, and connections on which nothing was ever sent are ended:
 * Node counts neither as idle (`closeIdleConnections`), and would wait for them.
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

/** Where errors point to. */
function docsUrl(options: HttpOptions): string {
  return `${options.publicUrl()}/docs`;
}

const requestIdPattern = /^[A-Za-z0-9._:-]+$/;

function addRequestState(app: FastifyInstance, { ids, metrics }: HttpOptions): void {
  app.decorateRequest('state', null as never);
  app.addHook('onRequest', (request, reply, done) => {
    setState(request, reply, ids);
    if (request.raw.httpVersion === '1.1' && request.headers.host === undefined) {
      done(new ApiError(invalidRequest('malformed_request', 'The request has no Host header.')));
      return;
    }
    done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    const { method, routeOptions } = request;
    metrics.requests.inc({ method, route: routeOptions.url ?? 'none', status: reply.statusCode });
    metrics.requestSeconds.observe({ method }, (performance.now() - request.state.startedMs) / 1000);
    done();
  });
}

function setState(request: FastifyRequest, reply: FastifyReply, ids: IdSource): void {
  const given = request.headers['x-request-id'];
  const kept =
    typeof given === 'string' && given.length <= limits.requestIdLength && requestIdPattern.test(given);
  request.state = {
    requestId: kept ? given : ids.next('req'),
    startedMs: performance.now(),
    caller: undefined,
    idempotencyKey: undefined,
    bodyHash: undefined,
    place: undefined,
  };
  reply.header('x-request-id', request.state.requestId);
}

function addBodyParser(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', async (request: FastifyRequest, stream: NodeJS.ReadableStream) => {
    const body = await readBody(stream);
    await request.state.place?.takeTurn();
    if (body.tooLarge) {
      request.state.bodyHash = body.hash;
      throw new ApiError(
        invalidRequest('body_too_large', `The body is larger than ${limits.bodyBytes} bytes.`),
      );
    }
    if (body.bytes.length === 0) return undefined;
    const parsed = parseJsonBody(body.bytes);
    request.state.bodyHash = parsed.ok ? hashJson(parsed.value) : hashBytes(body.bytes);
    assertJsonHeaders(request.headers);
    if (!parsed.ok) throw new ApiError(invalidRequest(parsed.reason, parsed.message, parsed.details));
    return parsed.value;
  });
}

function addRoutes(app: FastifyInstance, gate: Gate, options: HttpOptions): void {
  for (const route of options.routes) {
    app.route({
      method: route.method,
      url: route.path.replaceAll(/\{(\w+)\}/g, ':$1'),
      onRequest: (request, reply, done) => {
        const admitted = (caller: Caller | undefined): void => {
          request.state.caller = caller;
          if (route.method === 'POST') request.state.idempotencyKey = idempotencyKey(request.headers);
        };
        callBack(done, () => {
          if (route.access !== 'public') {
            const caller = gate.admitCaller(request, reply);
            if (caller instanceof Promise) return caller.then(admitted);
            return admitted(caller);
          }
          gate.admitAnyone(request, reply);
          return admitted(undefined);
        });
      },
      handler: createHandler(route, options.writer, () => docsUrl(options)),
    });
  }
}

/** Runs a hook's work and says when it is over: at once, if it is over at once. */
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

function addStreams(app: FastifyInstance, gate: Gate, { streams }: HttpOptions): void {
  for (const { open, path } of streams) {
    app.get(path, {
      onRequest: async (request, reply) => {
        request.state.caller = await gate.admitCaller(request, reply);
      },
      handler: async (request, reply) => {
        await open({
          caller: request.state.caller as Caller,
          query: textsOf(request.query),
          lastEventId: request.headers['last-event-id']?.toString(),
          start() {
            request.state.place?.endTurn();
            reply.hijack();
            reply.raw.writeHead(200, { ...eventStreamHeaders, 'x-request-id': request.state.requestId });
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
  // A request that the router could not read has been through no hook.
  if (!request.state) setState(request, reply, options.ids);
  const { requestId } = request.state;
  const refusal = toRefusal(error);
  if (refusal.code === 'INTERNAL_ERROR') options.logger.error({ err: error, requestId }, 'request failed');
  try {
    return await answerRefusal(refusal, request, reply, options);
  } catch (cause) {
    options.logger.error({ err: cause, requestId }, 'a refusal could not be kept');
    return sendRefusal(toRefusal(cause), request, reply, docsUrl(options));
  }
}

/** Sends a refusal; one that belongs to an idempotency key is kept for it first. */
async function answerRefusal(
  refusal: Refusal,
  request: FastifyRequest,
  reply: FastifyReply,
  options: HttpOptions,
): Promise<FastifyReply> {
  const { caller, idempotencyKey: key } = request.state;
  const status = errorStatus[refusal.code];
  const isKept =
    status === 400 || status === 404 || (status === 409 && refusal.reason !== 'request_in_progress');
  const answering = isKept ? answeringOf(request, docsUrl(options), true) : undefined;
  if (!caller || key === undefined || !answering)
    return sendRefusal(refusal, request, reply, docsUrl(options));
  const { id, kind } = caller.environment;
  const outcome = await options.writer.submit(refusalRecord(id, key, refusal), answering, kind);
  return sendOutcome(outcome, request, reply, docsUrl(options));
}
