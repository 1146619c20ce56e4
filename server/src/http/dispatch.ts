import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiError, type Refusal } from '../platform/errors.ts';
import { limits } from '../platform/limits.ts';
import type { Accepted, Answering, Outcome } from '../writer/command.ts';
import type { Writer } from '../writer/writer.ts';
import { type Answer, failure, listBody, successBody } from './envelope.ts';
import { hashJson } from './idempotency.ts';
import { textFault } from './json-body.ts';
import { createRequestCoalescer } from './request-coalescing.ts';
import { routeName } from './request-state.ts';
import {
  bodySchemaOf,
  isList,
  type ReadRoute,
  type RequestContext,
  type Route,
  type WriteRoute,
} from './route.ts';
import { compileBodyValidator, compileQueryValidator, validationFailed } from './validate.ts';

type Handler = (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>;

/**
 * Makes a route's handler: checks the request against the route's schemas, runs it, and sends the envelope.
 *
 * @param docsUrl the documentation URL of errors
 */
export function createHandler(route: Route, writer: Writer, docsUrl: () => string): Handler {
  const readQuery = queryReader(route);
  const readBody = bodyReader(route);
  const answer = route.method === 'GET' ? readAnswer(route) : writeAnswer(route, writer, docsUrl);
  return async (request, reply) => {
    const { caller } = request.state;
    if (route.access === 'test' && caller?.environment.kind === 'live') throw sandboxOnly();
    const context: RequestContext = {
      caller: caller as NonNullable<typeof caller>,
      params: readParams(request.params as Record<string, string>),
      query: readQuery(request.query),
      body: readBody(request.body),
      idempotencyKey: request.state.idempotencyKey,
    };
    return answer(context, request, reply);
  };
}

type Answerer = (
  context: RequestContext,
  request: FastifyRequest,
  reply: FastifyReply,
) => Promise<FastifyReply>;

function readAnswer(route: ReadRoute): Answerer {
  const bodyOf = async (context: RequestContext): Promise<string> => {
    const read = await route.read(context);
    return typeof read === 'string' ? successBody(read) : listBody(read.items, read.nextCursor);
  };
  const lists = createRequestCoalescer<string>();
  return async (context, request, reply) => {
    if (route.hasOwnQueue)
      return sendAnswer(reply, { status: 200, body: await withoutSlot(request, bodyOf(context)) });
    const body = isList(route)
      ? await lists.read(coalescingKey(context), () => bodyOf(context))
      : await bodyOf(context);
    return sendAnswer(reply, { status: 200, body });
  };
}

/** Waits without a slot for a route that has its own queue. A refusal of that queue acquires a slot again. */
async function withoutSlot(request: FastifyRequest, body: Promise<string>): Promise<string> {
  const { budget } = request.state;
  budget?.releaseSlot();
  try {
    return await body;
  } catch (error) {
    await budget?.acquireSlot();
    throw error;
  }
}

/** Requests with the same key have the same response. */
function coalescingKey({ caller, params, query }: RequestContext): string {
  return JSON.stringify([caller?.keyId, caller?.environment.id, params, query]);
}

function writeAnswer(route: WriteRoute, writer: Writer, docsUrl: () => string): Answerer {
  return async (context, request, reply) => {
    const command = await route.write(context);
    const answering = answeringOf(request, docsUrl(), route.sensitive === true);
    const outcome = await writer.submit(command, answering, context.caller.environment.kind);
    if (outcome.kind !== 'refused') await route.done?.(context);
    return sendOutcome(outcome, request, reply, docsUrl());
  };
}

/**
 * How the response to a request is stored for its idempotency key.
 *
 * @returns undefined if the request has none
 */
export function answeringOf(
  request: FastifyRequest,
  docsUrl: string,
  sensitive: boolean,
): Answering<string> | undefined {
  const { bodyHash, idempotencyKey, requestId } = request.state;
  if (idempotencyKey === undefined) return undefined;
  return {
    claim: { key: idempotencyKey, route: routeName(request), requestHash: bodyHash ?? hashJson(undefined) },
    sensitive,
    render: (outcome) => render(outcome, requestId, docsUrl),
  };
}

function render(
  outcome: Accepted<string> | { readonly refusal: Refusal },
  requestId: string,
  docsUrl: string,
): Answer {
  if ('refusal' in outcome) return failure(outcome.refusal, requestId, docsUrl);
  return { status: 200, body: successBody(outcome.result) };
}

/** Sends the outcome of a command. */
export function sendOutcome(
  outcome: Outcome<string>,
  request: FastifyRequest,
  reply: FastifyReply,
  docsUrl: string,
): FastifyReply {
  if (outcome.kind === 'replayed') {
    reply.header('idempotent-replayed', 'true');
    return sendAnswer(reply, outcome.answer);
  }
  if (outcome.answer) return sendAnswer(reply, outcome.answer);
  if (outcome.kind === 'accepted')
    return sendAnswer(reply, { status: 200, body: successBody(outcome.result) });
  return sendRefusal(outcome.refusal, request, reply, docsUrl);
}

/** Sends a refusal in its envelope. */
export function sendRefusal(
  refusal: Refusal,
  request: FastifyRequest,
  reply: FastifyReply,
  docsUrl: string,
): FastifyReply {
  if (refusal.retryAfterSeconds !== undefined) reply.header('retry-after', refusal.retryAfterSeconds);
  return sendAnswer(reply, failure(refusal, request.state.requestId, docsUrl));
}

function sendAnswer(reply: FastifyReply, { status, body }: Answer): FastifyReply {
  // Before the response is sent, so that a client that reads slowly does not block others.
  reply.request.state.budget?.releaseSlot();
  return reply.code(status).header('content-type', 'application/json; charset=utf-8').send(body);
}

function sandboxOnly(): ApiError {
  return new ApiError({
    code: 'NOT_FOUND',
    reason: 'sandbox_only',
    message: 'This route is for test keys only.',
  });
}

/** An id in the path that no text column can store matches no row. */
function readParams(params: Readonly<Record<string, string>>): Record<string, string> {
  const entries = Object.entries(params).map(([name, value]) => [name, textFault(value) ? '' : value]);
  return Object.fromEntries(entries);
}

/** Query parameters are strings, each given at most once. */
function queryReader(route: Route): (query: unknown) => Record<string, string> {
  const known = { ...(route.query?.properties ?? {}), ...(isList(route) ? { limit: {}, cursor: {} } : {}) };
  const validate = compileQueryValidator<Record<string, string>>({
    type: 'object',
    ...route.query,
    properties: known,
  });
  return (query) => {
    const texts = query as Record<string, unknown>;
    const faults = Object.entries(texts).flatMap(([name, value]) => {
      const fault =
        typeof value === 'string'
          ? (textFault(name) ?? textFault(value))
          : 'This parameter must be given once.';
      return fault ? [{ path: `query.${name}`, message: fault }] : [];
    });
    if (isList(route)) faults.push(...limitFaults(texts.limit));
    if (faults.length > 0) throw new ApiError(validationFailed(faults));
    return validate({ ...texts });
  };
}

function limitFaults(limit: unknown): { path: string; message: string }[] {
  if (limit === undefined) return [];
  const fits = typeof limit === 'string' && /^\d{1,3}$/.test(limit);
  if (fits && Number(limit) >= 1 && Number(limit) <= limits.pageMax) return [];
  return [
    { path: 'query.limit', message: `This parameter must be a whole number from 1 to ${limits.pageMax}.` },
  ];
}

function bodyReader(route: Route): (body: unknown) => unknown {
  if (route.method === 'GET') return () => undefined;
  const validate = compileBodyValidator<unknown>(bodySchemaOf(route), route.faults);
  const optional = route.bodyOptional === true || route.body === undefined;
  return (body) => (body === undefined && optional ? {} : validate(body ?? null));
}
