import { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { expect, it } from 'vitest';
import { limits } from '../platform/limits.ts';
import { createEnvironmentBudgets } from './environment-budgets.ts';

const requestWith = (headers: IncomingMessage['headers']) =>
  ({ headers, socket: new EventEmitter() }) as unknown as IncomingMessage;
const newResponse = () => new EventEmitter() as unknown as ServerResponse;

const routeBytes = 384 * 1024;

it.each([
  ['a declared length', { 'content-length': String(routeBytes - 1) }, routeBytes - 1],
  ['a length that its route refuses', { 'content-length': '900000000' }, routeBytes],
  ['no declared length', { 'transfer-encoding': 'chunked' }, routeBytes],
  ['no body', {}, 0],
])('a request with %s counts as what may be read of it', (_name, headers, bodyBytes) => {
  const budgets = createEnvironmentBudgets();
  const fitting = Math.floor(limits.environmentBytes / (limits.headersBytes + bodyBytes));
  const responses = Array.from({ length: fitting }, newResponse);
  const enter = (response: ServerResponse) =>
    budgets.enter('test', requestWith(headers), response, routeBytes);
  for (const response of responses) enter(response);
  expect(() => enter(newResponse())).toThrow(/under way/);
  expect(() => budgets.enter('live', requestWith(headers), newResponse(), routeBytes)).not.toThrow();
  responses[0]?.emit('close');
  expect(() => enter(newResponse())).not.toThrow();
});
