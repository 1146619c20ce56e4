import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ApiError, invalidRequest } from '../platform/errors.ts';
import { hashBytes, hashJson } from './idempotency.ts';
import { parseJsonBody } from './json-body.ts';
import { announcesBody, assertBodyHeaders, bodyTooLarge, hashUnread, readBody } from './read-body.ts';
import './request-state.ts';

/** Checks the headers of a body before it is read. @throws ApiError 400 */
export function expectBody({ raw, state }: FastifyRequest): void {
  if (!announcesBody(raw)) {
    state.bodyHash = hashJson(undefined);
    return;
  }
  try {
    assertBodyHeaders(raw.headers, state.bodyLimitBytes);
  } catch (error) {
    state.bodyHash = hashUnread(raw);
    throw error;
  }
}

/** Parses bodies as JSON, each up to the limit of its route. */
export function addBodyParser(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', async (request: FastifyRequest, stream: NodeJS.ReadableStream) => {
    const { bodyLimitBytes } = request.state;
    const body = await readBody(stream, bodyLimitBytes);
    await request.state.budget?.acquireSlot();
    if (body.isTooLarge) {
      request.state.bodyHash = hashBytes(body.bytes);
      throw bodyTooLarge(bodyLimitBytes);
    }
    if (body.bytes.length === 0) {
      request.state.bodyHash = hashJson(undefined);
      return undefined;
    }
    const parsed = parseJsonBody(body.bytes);
    request.state.bodyHash = parsed.ok ? hashJson(parsed.value) : hashBytes(body.bytes);
    if (!parsed.ok) throw new ApiError(invalidRequest(parsed.reason, parsed.message, parsed.details));
    return parsed.value;
  });
}
